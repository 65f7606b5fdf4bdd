import type { MasterTargetChoice } from './choose-master-target.ts';
import type { ErrorRecord } from '../errors/failback-error.ts';
import type { Intent, Phase } from './phases.ts';

export const JOB_STATES = [
  'queued',
  'running',
  'waitingForOperator',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const TERMINAL_JOB_STATES: readonly JobState[] = ['succeeded', 'failed', 'cancelled'];

export function isTerminal(state: JobState): boolean {
  return TERMINAL_JOB_STATES.includes(state);
}

/** Why a gate that somebody had opened has closed again; `null` where it waits for the first time. */
export function refusalAtGate({ state, tasks = [] }: Job): ErrorRecord | null {
  const [ended, open] = tasks.slice(-2);
  if (state !== 'waitingForOperator' || ended?.name !== open?.name) return null;
  return ended?.error ?? null;
}

/** Why the job waits at its gate again although a failover was asked for; `null` once it was asked for anew. */
export function heldBackBy({ phase, intents, heldBack }: Job): ErrorRecord | null {
  const isWaiting = phase === 'replicating' && intents.failover === undefined;
  return isWaiting && heldBack !== undefined ? heldBack.error : null;
}

/** Why nothing can be copied although nothing is wrong with the failback itself. */
export type LossKind = 'gone' | 'unreachable' | 'changed';

export interface FailbackOptions {
  /** Fail over by itself once a delta cycle is short enough. */
  readonly autoFailover: boolean;
  /** Commit by itself after a verified boot. Off unless asked: commit has no way back. */
  readonly autoCommit: boolean;
  /** Pause between two delta cycles, at least 60 s against Azure (7 snapshots a disk in 5 min). */
  readonly cycleIntervalSeconds: number;
  readonly bootTimeoutSeconds: number;
  /** How the first copy is made; absent = the planner chooses. */
  readonly replicationMode?: 'full' | 'delta' | 'checksum' | undefined;
  /** Share of the blocks that is read back before the boot, above 0; 1 = every block. */
  readonly proofShare: number;
  /** How often an application-consistent point is asked for; 0 = never. */
  readonly applicationConsistentMinutes: number;
  /** A machine that shows no sign of life goes back to Azure by itself. Otherwise a person decides. */
  readonly rollBackOnBootFailure: boolean;
  /** Takes application-consistent points together with the other machines of that replication group. */
  readonly replicationGroupId?: string | undefined;
  /** Snapshots of the on-premises VM are removed if nothing else is in the way. Absent in earlier records: they are not. */
  readonly removeSnapshots?: boolean | undefined;
  /** Absent = `use`. */
  readonly originalVm?: OriginalVmUse | undefined;
}

/**
 * `use` takes it for the failback (OLR) wherever it exists. `unregister` takes it, which has to be off, out of the
 * inventory with its files kept, so that a new VM is made (ALR); a rollback puts it back.
 */
export type OriginalVmUse = 'use' | 'unregister';

/** The steps of a job as people see them. Which of them a job has shows as it goes. */
export const TASK_NAMES = [
  'preflight',
  'deployProcessServer',
  'prepareTarget',
  'initialReplication',
  'replicate',
  'shutDownSource',
  'finalDelta',
  'proveDisks',
  'boot',
  'decideAfterBootFailure',
  'waitForCommit',
  'keepReplica',
  'deleteAzureVm',
  'waitForAgent',
  'reverseReplicate',
  'rollBack',
] as const;
export type TaskName = (typeof TASK_NAMES)[number];

export const TASK_STATES = [
  'running',
  'waitingForOperator',
  'succeeded',
  'failed',
  'cancelled',
] as const;

export interface JobTask {
  readonly name: TaskName;
  readonly state: (typeof TASK_STATES)[number];
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly error?: ErrorRecord;
}

/** One line of a job's history, oldest first. */
export interface JobEvent {
  readonly at: string;
  readonly phase: Phase;
  readonly message: string;
}

/** What one replication cycle moved, summed over the disks. */
export interface CycleStatistics {
  readonly cycle: number;
  readonly kind: 'initial' | 'delta' | 'final';
  readonly pointId: string;
  readonly takenAt: string;
  readonly consistency: 'crashConsistent' | 'applicationConsistent';
  /** Why the point is only crash-consistent although more was asked for. */
  readonly consistencyReason?: string;
  /** Common to the points that a replication group took at one instant. */
  readonly groupPointId?: string;
  readonly changedBytes: number;
  readonly zeroBytes: number;
  /** Read from the source; sent before compression, and after it. */
  readonly readBytes: number;
  readonly sentBytes: number;
  readonly wireBytes: number;
  readonly durationMs: number;
  /** Why the planner chose the modes it chose, and why a point is less than was asked for. */
  readonly reasons: readonly string[];
}

/** Shown that the disk on-premises holds what the disk in Azure held at shutdown. */
export interface DiskProof {
  readonly pointId: string;
  readonly blocksCompared: number;
  readonly bytesCompared: number;
  /** Share of all blocks that was compared. */
  readonly comparedShare: number;
  readonly mismatches: number;
  /** Blocks that differed at first and were sent again. */
  readonly repairedBlocks: number;
}

/** The figures of the finished move. Times are ISO 8601. */
export interface FailbackReport {
  /** Present where nobody named one. */
  readonly masterTarget?: MasterTargetChoice;
  readonly shutDownAt?: string;
  readonly bootedAt?: string;
  readonly downtimeSeconds?: number;
  /** The point that was booted. */
  readonly recoveryPointId?: string;
  /** From the booted point to the shutdown: 0 for the newest, which is taken after it. */
  readonly dataLossSeconds?: number;
  /** False: the newest sealed point was booted without a last delta; the replica begins at that point, too. */
  readonly isFinalDeltaSent?: boolean;
  /** How the Azure VM was when the machine was to be booted at home. Absent = there: it was shut down. */
  readonly sourceAtFailover?: Exclude<LossKind, 'changed'>;
  readonly isBootSimulated?: boolean;
  readonly bootEvidence?: string;
  readonly proof?: DiskProof;
  readonly fixups?: readonly {
    readonly name: string;
    readonly outcome: string;
    readonly detail: string;
  }[];
  /** What went wrong without standing in the way. */
  readonly warnings?: readonly ErrorRecord[];
  /** When the replica of this failback was seen complete. Until then the Azure VM and its snapshots are kept. */
  readonly seededAt?: string;
  readonly committedAt?: string;
  readonly agentRegisteredAt?: string;
  readonly reverseChangedBytes?: number;
  readonly reverseComparedBytes?: number;
  /** Undo steps after a failure or a cancel, in the order they ran. */
  readonly undo?: readonly { readonly step: string; readonly outcome: string }[];
}

/** One operation as people see it. Kept for ever, newest first. */
export interface Job {
  readonly id: string;
  readonly operation: 'failback' | 'rehearsal';
  readonly itemId: string;
  readonly itemName: string;
  readonly instanceId: string;
  readonly state: JobState;
  readonly phase: Phase;
  readonly options: FailbackOptions;
  readonly createdAt: string;
  readonly endedAt: string | null;
  /** When each intent was asked for; a record, because an event alone can get lost. */
  readonly intents: Readonly<Partial<Record<Intent, string>>>;
  /** Recovery point to boot: `latest`, `latestProcessed`, `latestApplicationConsistent` or an id. Absent = latest. */
  readonly failoverTo?: string;
  /** What that may lose at most, judged again right before the shutdown. Absent = whatever it is. */
  readonly maxDataLossMinutes?: number;
  /** The last failover that was put back before the shutdown, and the gate at which the job waited from then on. */
  readonly heldBack?: { readonly at: string; readonly gate: string; readonly error: ErrorRecord };
  /** Why nothing is copied since then: Azure lost the machine, has it with other disks, or does not answer. Absent = the last cycle went well. */
  readonly sourceLoss?: {
    readonly since: string;
    readonly kind: LossKind;
    readonly error: ErrorRecord;
  };
  /** Behind the newest point snapshots stayed in Azure that are not needed any more. Absent = none did. */
  readonly leftSnapshots?: ErrorRecord;
  /** Who said that the machine may boot although nobody knows whether the Azure VM is off, and when. */
  readonly unreachableAccepted?: { readonly by: string; readonly at: string };
  readonly history: readonly JobEvent[];
  /** In the order in which they began; at most the last one is open. Absent in earlier records. */
  readonly tasks?: readonly JobTask[];
  /** The gate that waits for a person, where the job has several of one kind. */
  readonly gate?: string;
  /** The job that this one was asked to resume or to restart. */
  readonly follows?: string;
  readonly isRestart?: boolean;
  readonly cycles: readonly CycleStatistics[];
  readonly report: FailbackReport;
  readonly error: ErrorRecord | null;
}
