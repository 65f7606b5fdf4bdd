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
  'commitPending',
  'committing',
  'waitingForAgent',
  'reverseReplicating',
  'protected',
  'rollingBack',
] as const;
export type Phase = (typeof PHASES)[number];

export const TRANSITIONS = {
  failedOver: ['preparing'],
  preparing: ['initialReplication', 'rollingBack'],
  initialReplication: ['replicating', 'rollingBack'],
  replicating: ['shuttingDownSource', 'rollingBack'],
  shuttingDownSource: ['finalDelta', 'rollingBack'],
  finalDelta: ['booting', 'rollingBack'],
  booting: ['commitPending', 'rollingBack'],
  commitPending: ['committing', 'rollingBack'],
  // The point of no return: the seed is kept and the Azure VM goes. Nothing after it compensates.
  committing: ['waitingForAgent'],
  waitingForAgent: ['reverseReplicating'],
  reverseReplicating: ['protected'],
  protected: [],
  rollingBack: ['failedOver'],
} as const satisfies Record<Phase, readonly Phase[]>;

/** Entering the phase one is in is allowed: activities run at least once. */
export function canEnter(current: Phase, next: Phase): boolean {
  const allowed: readonly Phase[] = TRANSITIONS[current];
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

/** The Azure VM was stopped for the move: going back means starting it again. */
export const SOURCE_IS_DOWN: readonly Phase[] = [
  'shuttingDownSource',
  'finalDelta',
  'booting',
  'commitPending',
];

export const STAGES = [
  'Running in Azure',
  'Preparing',
  'Copying disks',
  'Ready to fail back',
  'Failing back',
  'Waiting for commit',
  'Committing',
  'Re-protecting',
  'Protected',
  'Rolling back',
] as const;
export type Stage = (typeof STAGES)[number];

const STAGE_OF: Record<Phase, Stage> = {
  failedOver: 'Running in Azure',
  preparing: 'Preparing',
  initialReplication: 'Copying disks',
  replicating: 'Ready to fail back',
  shuttingDownSource: 'Failing back',
  finalDelta: 'Failing back',
  booting: 'Failing back',
  commitPending: 'Waiting for commit',
  committing: 'Committing',
  waitingForAgent: 'Re-protecting',
  reverseReplicating: 'Re-protecting',
  protected: 'Protected',
  rollingBack: 'Rolling back',
};

export function stageOf(phase: Phase): Stage {
  return STAGE_OF[phase];
}

/** What an operator may ask for while a failback of the item runs. */
export const INTENTS = ['failover', 'commit', 'cancel'] as const;
export type Intent = (typeof INTENTS)[number];

const INTENTS_OF: Record<Phase, readonly Intent[]> = {
  failedOver: ['failover', 'cancel'],
  preparing: ['failover', 'cancel'],
  initialReplication: ['failover', 'cancel'],
  replicating: ['failover', 'cancel'],
  shuttingDownSource: ['cancel'],
  finalDelta: ['cancel'],
  booting: ['cancel'],
  commitPending: ['commit', 'cancel'],
  committing: [],
  waitingForAgent: [],
  reverseReplicating: [],
  protected: [],
  rollingBack: [],
};

export function allowedIntents(phase: Phase): readonly Intent[] {
  return INTENTS_OF[phase];
}

/** Phases in which a failback may be started: it takes up, or first undoes, what an earlier run left. */
export const STARTABLE: readonly Phase[] = PHASES.filter((phase) => phase !== 'protected');
