import type { FailbackOptions, Job, OriginalVmUse } from '../domain/job.ts';
import type { Intent, Phase } from '../domain/phases.ts';
import type { Placement, PreflightOperation } from '../domain/preflight/gathered.ts';
import type { ErrorRecord } from '../errors/failback-error.ts';
import type { PlanDecision, PlanGateKind, PlanStage, StageVerdict } from '../domain/plan-run.ts';
import type { Result } from '../errors/result.ts';
import type { SiteBinding } from './activities.ts';
import type { CommandName } from './commands.ts';

/** One replication in progress: who sends, who receives, and under which name. */
export interface Replication {
  readonly jobId: string;
  readonly itemId: string;
  /** Key of the disks and their journal at the site: the item's id, or `rehearsal-<item id>`. */
  readonly replicationId: string;
  readonly isRehearsal: boolean;
  readonly site: SiteBinding;
  readonly processServerId: string;
  readonly options: FailbackOptions;
}

export interface FailbackInput {
  readonly jobId: string;
  readonly itemId: string;
  readonly options: FailbackOptions;
  /** Where the item stood when the job was made; a failback beyond commit goes on from there. */
  readonly startAt: Phase;
  /** Undo whatever was left, also a machine that waits for its commit, before anything else. */
  readonly isRestart?: boolean;
}

/** Snapshot names by disk of the last sealed recovery point. */
export type Base = Readonly<Record<string, string>>;

/** Input and (unwrapped) output of every orchestration, by its registered name. */
export interface OrchestrationContracts {
  failback: { input: FailbackInput; output: null };
  reprotect: { input: FailbackInput; output: { replication: Replication; base: Base } };
  /** Ends when an operator (or autoFailover) opens the gate, or cancels. */
  replication: {
    input: {
      replication: Replication;
      base: Base;
      cycle: number;
      isSettled: boolean;
      /** A failover was just put back: by itself none is begun before a cycle and its pause are over. */
      isHeldBack?: boolean;
      /** When application consistency was last asked for. */
      applicationConsistencyAskedAt?: string;
    };
    output: { decision: 'failover' | 'cancel'; base: Base; cycle: number };
  };
  failover: {
    /** `round`: counts the gates that the job has waited at; absent = 1. */
    input: { replication: Replication; base: Base; cycle: number; round?: number };
    /** Null: the machine runs on-premises. Otherwise nothing was shut down, and the gate is closed again. */
    output: 'heldBack' | null;
  };
  commit: { input: FailbackInput; output: null };
  reverseReplicate: { input: FailbackInput; output: null };
  /** The eternal loop of an item that is home and protected towards Azure. */
  reverseReplication: { input: { itemId: string; cycle: number; failures: number }; output: null };
  /** Undoes whatever the failback or rehearsal reached. Goes on when one undo fails, and reports each. */
  rollback: {
    input: {
      jobId: string;
      itemId: string;
      replicationId: string;
      isRehearsal: boolean;
      /** Makes the command ids of this undo its own: a job may undo twice. */
      part: string;
      /** What led here; shown in the history, where a failure of the way back must not hide it. */
      cause?: ErrorRecord;
    };
    output: null;
  };
  rehearsal: { input: FailbackInput; output: null };
  /** All preflight rules, without touching anything. Its result is kept in its record. */
  preflight: {
    input: {
      /** Also in the place of the job in the ids of its commands. */
      preflightId: string;
      itemId: string;
      operation: PreflightOperation;
      placement: Placement;
      originalVm?: OriginalVmUse;
    };
    output: null;
  };
  /** Waits for a person, for as long as it takes. `wanted` in the order of precedence. */
  gate: { input: { jobId: string; wanted: readonly Intent[] }; output: Intent };
  /** A run of a recovery plan; its record says what it carries out. */
  recoveryPlan: { input: { runId: string }; output: null };
  planGroup: { input: { runId: string; groupId: string }; output: null };
  /** Looks at the machines again and again; starts afresh now and then. */
  planStage: {
    input: { runId: string; stage: PlanStage; groupId: string | null };
    output: { verdict: Exclude<StageVerdict, 'underWay'>; leftBehind: number };
  };
  planGate: {
    input: {
      runId: string;
      key: string;
      kind: PlanGateKind;
      message: string;
      actionId?: string;
      pauseSeconds?: number;
    };
    output: { decision: PlanDecision | 'cancel'; note: string };
  };
  command: {
    input: {
      commandId: string;
      agentId: string;
      name: CommandName;
      input: unknown;
      deadlineMs: number;
      /** Set once the command was sent. */
      deadlineAt?: string;
    };
    output: unknown;
  };
}

export type OrchestrationName = keyof OrchestrationContracts;
export type OrchestrationInput<N extends OrchestrationName> = OrchestrationContracts[N]['input'];
export type OrchestrationOutput<N extends OrchestrationName> = Result<
  OrchestrationContracts[N]['output']
>;

/**
 * A job has an instance of its own. One made from the item would still be in its last turn when the next job of the
 * item starts, and that start would be lost; that two jobs never have one item is the item's ETag's to see to.
 */
export function jobInstanceId(jobId: string, operation: Job['operation']): string {
  return partInstanceId(jobId, operation);
}

/** Key of the scratch disks of a rehearsal; never the item's own. */
export function rehearsalReplicationId(itemId: string): string {
  return `rehearsal-${itemId}`;
}

export function reverseReplicationInstanceId(itemId: string): string {
  return `reverse-${itemId}`;
}

/** Each start of a run has instances of its own: parts of an earlier start keep their ids and their ends. */
export function planRunInstanceId(runId: string, attempt: number): string {
  return `plan-${runId}-${attempt}`;
}

/** The part of a job that replicates until its gate opens: each gate after the first has a part of its own. */
export function replicationPart(round: number): string {
  return round === 1 ? 'replication' : `replication-${round}`;
}

export function partInstanceId(jobId: string, part: string): string {
  return `${jobId}-${part}`;
}

/** `<job>.<step>`: the part before the dot is the partition in which the command is kept. */
export function commandId(jobId: string, step: string): string {
  return `${jobId}.${step}`;
}

/** The job that a command was made for, from the command's id. */
export function jobIdOf(command: string): string {
  return command.split('.', 1)[0] ?? '';
}

/** Only wakes; the record of the command is the truth. */
export function commandEventName(id: string): string {
  return `command:${id}`;
}

/** Only wakes; the intent in the job's record is the truth. */
export const INTENT_EVENT = 'intent';

export function pointId(jobId: string, cycle: number): string {
  return `${jobId}-p${String(cycle).padStart(4, '0')}`;
}
