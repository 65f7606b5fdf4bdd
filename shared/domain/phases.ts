import { invariant } from './assert.ts';

/**
 * Where a protected item stands on its way home. The machine's own view; people are shown a `Stage`.
 * `failedOver` is the start (runs in Azure, nothing comes home yet), `protected` the end (runs on-premises,
 * replicates towards Azure).
 */
export const PHASES = [
  'failedOver',
  'preparing',
  'initialReplication',
  'replicating',
  'shuttingDownSource',
  'finalDelta',
  'booting',
  'bootFailed',
  'commitPending',
  'committing',
  'waitingForAgent',
  'reverseReplicating',
  'protected',
  'rollingBack',
] as const;
export type Phase = (typeof PHASES)[number];

export const STAGES = [
  'Running in Azure',
  'Preparing',
  'Copying disks',
  'Ready to fail back',
  'Failing back',
  'Boot failed',
  'Waiting for commit',
  'Committing',
  'Re-protecting',
  'Protected',
  'Rolling back',
] as const;
export type Stage = (typeof STAGES)[number];

export type Direction = 'azureToOnPremises' | 'onPremisesToAzure' | 'none';

/** What an operator may ask of a failback that runs. */
export const INTENTS = ['failover', 'commit', 'cancel', 'resume'] as const;
export type Intent = (typeof INTENTS)[number];

/** What may be begun with an item that no job works on. */
export const STARTS = [
  'failback',
  'rehearsal',
  /** Takes up what an earlier failback left: beyond the commit it goes on, before it undoes and begins anew. */
  'resume',
  /** Undoes what an earlier failback left, also a machine that waits for its commit, and begins anew. */
  'restart',
  /** Changes how the item is described. */
  'update',
  /** Takes the item out of our care. */
  'unprotect',
] as const;
export type Start = (typeof STARTS)[number];

interface State {
  readonly stage: Stage;
  readonly direction: Direction;
  readonly next: readonly Phase[];
  /** Accepted while a failback works on the item. */
  readonly intents: readonly Intent[];
  /** Accepted while no job works on the item. */
  readonly starts: readonly Start[];
  /** The Azure VM, whose facts preflight compares, is still there. */
  readonly canPreflight: boolean;
}

const COPYING = {
  direction: 'azureToOnPremises',
  intents: ['failover', 'cancel'],
  starts: ['failback', 'resume', 'restart'],
  canPreflight: true,
} as const satisfies Partial<State>;

/** From the shutdown to the boot: the gate is open already. */
const FAILING_OVER = { ...COPYING, stage: 'Failing back', intents: ['cancel'] } as const;

/**
 * Nothing may be asked: a failure is taken up by the next failback, and nothing is undone. Where that never succeeds
 * the machine, which runs at home, can be let go.
 */
const COMMITTED = {
  direction: 'onPremisesToAzure',
  intents: [],
  starts: ['failback', 'resume', 'unprotect'],
  canPreflight: false,
} as const satisfies Partial<State>;

/** Every rule of the life of an item, phase by phase. All predicates below read it. */
export const STATE_MACHINE = {
  failedOver: {
    stage: 'Running in Azure',
    direction: 'none',
    next: ['preparing'],
    intents: ['failover', 'cancel'],
    starts: ['failback', 'rehearsal', 'restart', 'update', 'unprotect'],
    canPreflight: true,
  },
  preparing: { ...COPYING, stage: 'Preparing', next: ['initialReplication', 'rollingBack'] },
  initialReplication: { ...COPYING, stage: 'Copying disks', next: ['replicating', 'rollingBack'] },
  replicating: {
    ...COPYING,
    stage: 'Ready to fail back',
    next: ['shuttingDownSource', 'rollingBack'],
  },
  shuttingDownSource: { ...FAILING_OVER, next: ['finalDelta', 'rollingBack'] },
  finalDelta: { ...FAILING_OVER, next: ['booting', 'rollingBack'] },
  booting: { ...FAILING_OVER, next: ['commitPending', 'bootFailed', 'rollingBack'] },
  bootFailed: {
    ...COPYING,
    stage: 'Boot failed',
    next: ['booting', 'rollingBack'],
    intents: ['resume', 'cancel'],
  },
  commitPending: {
    ...COPYING,
    stage: 'Waiting for commit',
    next: ['committing', 'rollingBack'],
    intents: ['commit', 'cancel'],
  },
  // The point of no return: the seed is kept and the Azure VM goes. Nothing after it compensates.
  committing: {
    ...COMMITTED,
    stage: 'Committing',
    direction: 'azureToOnPremises',
    next: ['waitingForAgent'],
  },
  waitingForAgent: { ...COMMITTED, stage: 'Re-protecting', next: ['reverseReplicating'] },
  reverseReplicating: { ...COMMITTED, stage: 'Re-protecting', next: ['protected'] },
  protected: { ...COMMITTED, stage: 'Protected', next: [], starts: ['unprotect'] },
  rollingBack: {
    ...COPYING,
    stage: 'Rolling back',
    next: ['failedOver'],
    intents: [],
    // The site may be gone for good, and with it every way back.
    starts: [...COPYING.starts, 'unprotect'],
  },
} as const satisfies Record<Phase, State>;

/** Entering the phase one is in is allowed: activities run at least once. */
export function canEnter(current: Phase, next: Phase): boolean {
  const allowed: readonly Phase[] = STATE_MACHINE[current].next;
  return current === next || allowed.includes(next);
}

export function assertCanEnter(current: Phase, next: Phase): void {
  invariant(canEnter(current, next), `Phase ${next} cannot follow ${current}`);
}

/** From here on a failure leaves the item where it is: going back would lose data. */
export const BEYOND_RETURN: readonly Phase[] = [
  'committing',
  'waitingForAgent',
  'reverseReplicating',
  'protected',
];

/** Its failback only waits or sends: who lets the machine go ends that as well. */
export const LEFT_AT_WORK: readonly Phase[] = ['waitingForAgent', 'reverseReplicating'];

/** The Azure VM was stopped for the move: going back means starting it again. */
export const SOURCE_IS_DOWN: readonly Phase[] = [
  'shuttingDownSource',
  'finalDelta',
  'booting',
  'bootFailed',
  'commitPending',
];

/** Points are taken again and again: their age says something. */
export const REPLICATING: readonly Phase[] = ['replicating', 'protected'];

export function stageOf(phase: Phase): Stage {
  return STATE_MACHINE[phase].stage;
}

export function allowedIntents(phase: Phase): readonly Intent[] {
  return STATE_MACHINE[phase].intents;
}

export function allowedStarts(phase: Phase): readonly Start[] {
  return STATE_MACHINE[phase].starts;
}

/** Phases in which a failback may be started: it takes up, or first undoes, what an earlier run left. */
export const STARTABLE: readonly Phase[] = PHASES.filter((phase) =>
  allowedStarts(phase).includes('failback'),
);
