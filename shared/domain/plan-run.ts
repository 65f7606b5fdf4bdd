import type { ErrorRecord } from '../errors/failback-error.ts';
import { MAX_KEPT_ERROR } from '../policy/limits.ts';
import { type FailbackOptions, heldBackBy, isTerminal, type Job, refusalAtGate } from './job.ts';
import { BEYOND_RETURN, type Phase } from './phases.ts';
import type { FailurePolicy, PlanDefinition, PlanRunKind } from './recovery-plan.ts';
import { shortened } from './stored-size.ts';

export const PLAN_RUN_STATES = [
  'running',
  'waitingForOperator',
  'interrupted',
  'succeeded',
  'failed',
  'cancelled',
] as const;
/** `interrupted` = this program or its storage broke; resume and cancel take the run up where it was. */
export type PlanRunState = (typeof PLAN_RUN_STATES)[number];

export const MACHINE_STATES = [
  'waiting',
  'preparing',
  'ready',
  'failingOver',
  'home',
  'committing',
  'done',
  'rehearsing',
  'rollingBack',
  'failed',
  'cancelled',
] as const;
/** `ready` = replicates and holds at its gate; `home` = runs on-premises and waits for the commit. */
export type MachineState = (typeof MACHINE_STATES)[number];

export interface PlanMachine {
  readonly itemId: string;
  readonly itemName: string;
  /** Chosen before the job is started, so that a start that broke off is not started twice. */
  readonly jobId: string | null;
  readonly state: MachineState;
  readonly error?: { readonly code: string; readonly message: string };
  /** A person has seen the failure and goes on without the machine. */
  readonly isLeftBehind?: boolean;
}

export const GATE_KINDS = ['failover', 'points', 'pause', 'failure', 'manual', 'commit'] as const;
export type PlanGateKind = (typeof GATE_KINDS)[number];

/** Where a run waits for a person, or for time to pass. */
export interface PlanGate {
  readonly key: string;
  readonly kind: PlanGateKind;
  readonly message: string;
  readonly since: string;
  readonly actionId?: string;
  /** Opens by itself then. */
  readonly untilAt?: string;
  readonly instanceId: string;
}

export type PlanDecision = 'resume' | 'skip' | 'commit' | 'complete' | 'fail' | 'elapsed';

export interface GateDecision {
  readonly decision: PlanDecision;
  readonly note: string;
  /** When, and by whom; absent in earlier records. */
  readonly at?: string;
  readonly caller?: string;
}

export interface PlanActionRecord {
  readonly state: 'running' | 'succeeded' | 'failed' | 'skipped';
  readonly attempts: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly detail: string;
}

/** One run of a plan: what it carries out and how far it got. Events only wake; this record is the truth. */
export interface PlanRun {
  readonly id: string;
  readonly planId: string;
  readonly definition: PlanDefinition;
  readonly kind: PlanRunKind;
  readonly recoveryPoint: string;
  readonly maxDataLossMinutes?: number | undefined;
  /** Whoever started the run accepts that nobody knows whether the Azure VMs are off. */
  readonly acceptUnreachableSource?: boolean | undefined;
  readonly options: FailbackOptions;
  readonly state: PlanRunState;
  /** Counts how often its orchestration was started. */
  readonly attempt: number;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly cancelAskedAt: string | null;
  readonly machines: Readonly<Record<string, PlanMachine>>;
  readonly groups: Readonly<
    Record<string, { readonly startedAt: string; readonly endedAt: string | null }>
  >;
  readonly actions: Readonly<Record<string, PlanActionRecord>>;
  /** Common point by replication group, fixed before the first machine is failed over. */
  readonly groupPoints: Readonly<Record<string, string>>;
  readonly gate: PlanGate | null;
  /** By the key of the gate. */
  readonly decisions: Readonly<Record<string, GateDecision>>;
  readonly error: ErrorRecord | null;
  /** Present while it is interrupted. */
  readonly interruptedAt?: string;
}

export const TERMINAL_RUN_STATES: readonly PlanRunState[] = ['succeeded', 'failed', 'cancelled'];

export function isRunOver({ state }: Pick<PlanRun, 'state'>): boolean {
  return TERMINAL_RUN_STATES.includes(state);
}

export const PLAN_STAGES = ['prepare', 'failOver', 'rehearse', 'commit', 'rollBack'] as const;
export type PlanStage = (typeof PLAN_STAGES)[number];

/** `start` a job, or ask an intent of it. */
export type PlanMove = 'start' | 'failover' | 'commit' | 'cancel';

interface StageRule {
  readonly move: PlanMove;
  /** Machines in these states are moved, as far as the limit allows. */
  readonly from: readonly MachineState[];
  /** Here the stage has nothing more to do with the machine. */
  readonly settled: readonly MachineState[];
}

const ENDED: readonly MachineState[] = ['done', 'failed', 'cancelled'];

const RULES: Record<PlanStage, StageRule> = {
  prepare: {
    move: 'start',
    from: ['waiting'],
    settled: ['ready', 'failingOver', 'home', 'committing', ...ENDED],
  },
  failOver: {
    move: 'failover',
    from: ['ready'],
    settled: ['waiting', 'home', 'committing', ...ENDED],
  },
  rehearse: { move: 'start', from: ['waiting'], settled: ENDED },
  commit: {
    move: 'commit',
    from: ['home'],
    settled: ['waiting', ...ENDED],
  },
  // Nobody is called back from behind the point of no return.
  rollBack: {
    move: 'cancel',
    from: ['preparing', 'ready', 'failingOver', 'home'],
    settled: ['waiting', 'committing', ...ENDED],
  },
};

/**
 * Whether the stage looks at the machine's job: those on their way. The others are looked at when it is their
 * turn, so that a look costs as much as the limit, not as the plan. Before a rollback nothing is taken for
 * granted: a machine that failed for the plan may still replicate.
 */
export function isWatched(stage: PlanStage, { jobId, state }: PlanMachine): boolean {
  if (jobId === null) return false;
  if (stage === 'rollBack') return state !== 'done' && state !== 'cancelled';
  const { settled, from } = RULES[stage];
  return !settled.includes(state) && !from.includes(state);
}

/** What a machine is taken for right after the move, until its job shows it. */
export const STATE_AFTER = {
  start: 'preparing',
  failover: 'failingOver',
  commit: 'committing',
  cancel: 'rollingBack',
} as const satisfies Record<PlanMove, MachineState>;

const STATE_OF: Record<Phase, MachineState> = {
  failedOver: 'preparing',
  preparing: 'preparing',
  initialReplication: 'preparing',
  replicating: 'ready',
  shuttingDownSource: 'failingOver',
  finalDelta: 'failingOver',
  booting: 'failingOver',
  // A person decides with the machine's own job: the plan lets machines go back by themselves.
  bootFailed: 'failingOver',
  commitPending: 'home',
  committing: 'committing',
  waitingForAgent: 'committing',
  reverseReplicating: 'committing',
  protected: 'committing',
  rollingBack: 'rollingBack',
};

/** Where a machine stands by the record of its job; `null` = the job was not made yet. */
export function observe(machine: PlanMachine, job: Job | null): PlanMachine {
  if (job === null) return machine;
  if (isTerminal(job.state)) {
    const state =
      job.state === 'succeeded' ? 'done' : job.state === 'failed' ? 'failed' : 'cancelled';
    const { error } = job;
    const short = error === null ? {} : { error: shortError(error) };
    return machine.state === state ? machine : { ...machine, state, ...short };
  }
  const heldBack = machine.state === 'failingOver' ? heldBackBy(job) : null;
  // Asked again and again, it would be put back again and again: what is in its way is for people to see.
  if (heldBack !== null) return { ...machine, state: 'failed', error: shortError(heldBack) };
  const state = stateUnderWay(job);
  return machine.state === state ? machine : { ...machine, state };
}

/** An order that was given counts, also while its job has not yet followed it. */
function stateUnderWay(job: Job): MachineState {
  const { phase, intents, operation } = job;
  const state = STATE_OF[phase];
  if (operation === 'rehearsal') return 'rehearsing';
  if (intents.cancel !== undefined && !BEYOND_RETURN.includes(phase)) return 'rollingBack';
  if (state === 'ready' && intents.failover !== undefined) return 'failingOver';
  // A commit that was refused is not asked for again by the plan: a person does so with the machine's own job.
  const isCommitAsked = intents.commit !== undefined || refusalAtGate(job) !== null;
  return state === 'home' && isCommitAsked ? 'committing' : state;
}

export function shortError({ code, message }: ErrorRecord): NonNullable<PlanMachine['error']> {
  return { code, message: shortened(message, MAX_KEPT_ERROR) };
}

export type StageVerdict = 'underWay' | 'done' | 'stopped' | 'rollBack' | 'cancelled';

interface Situation {
  readonly stage: PlanStage;
  readonly machines: readonly PlanMachine[];
  readonly limit: number;
  readonly onFailure: FailurePolicy;
  readonly isCancelAsked: boolean;
}

/**
 * What is to be done next, in the order of the machines: whom to move, and how the stage stands. A failure
 * under `stop` lets those on their way arrive and moves nobody else. A rollback moves all at once: every
 * minute of it is downtime. A cancel does not count once the commit was decided.
 */
export function nextMoves(situation: Situation): {
  readonly move: PlanMove;
  readonly moved: readonly PlanMachine[];
  readonly verdict: StageVerdict;
} {
  const { stage, machines, limit } = situation;
  const { move, from, settled } = RULES[stage];
  const candidates = machines.filter(({ state }) => from.includes(state));
  const underWay = machines.filter(
    ({ state }) => !settled.includes(state) && !from.includes(state),
  );
  const halt = haltOf(situation, underWay.length);
  if (halt !== null) return { move, moved: [], verdict: halt };
  const room = stage === 'rollBack' ? candidates.length : Math.max(0, limit - underWay.length);
  const moved = candidates.slice(0, room);
  const isDone = candidates.length === 0 && underWay.length === 0;
  return { move, moved, verdict: isDone ? 'done' : 'underWay' };
}

/** Why nobody is moved forward any more; `null` where nothing holds the stage up. */
function haltOf(
  { stage, machines, onFailure, isCancelAsked }: Situation,
  underWay: number,
): StageVerdict | null {
  if (stage === 'rollBack' || stage === 'commit') return null;
  if (isCancelAsked) return 'cancelled';
  if (onFailure === 'continue' || !machines.some(isFailure)) return null;
  if (onFailure === 'rollBack') return 'rollBack';
  return underWay > 0 ? 'underWay' : 'stopped';
}

/** Ended without having got there, and nobody has yet decided to go on without it. */
export function isFailure({ state, isLeftBehind = false }: PlanMachine): boolean {
  return !isLeftBehind && (state === 'failed' || state === 'cancelled');
}

/** What a person may ask of the run now. */
export function allowedPlanActions(
  run: PlanRun,
): readonly ('cancel' | 'resume' | 'commit' | 'complete')[] {
  if (isRunOver(run)) return [];
  const isCommitted = run.decisions['commit'] !== undefined;
  const cancel = isCommitted || run.cancelAskedAt !== null ? [] : (['cancel'] as const);
  if (run.state === 'interrupted') return ['resume', ...cancel];
  const { gate } = run;
  if (gate === null || run.cancelAskedAt !== null) return cancel;
  if (gate.kind === 'commit') return ['commit', ...cancel];
  return [gate.kind === 'manual' ? 'complete' : 'resume', ...cancel];
}
