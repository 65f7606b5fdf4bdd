import type { CommandName } from '../contracts/commands.ts';
import type { AgentKind } from '../contracts/agent-protocol.ts';
import type { MasterTargetLoad } from '../domain/choose-master-target.ts';
import type { EventKind } from '../domain/event.ts';
import type { Job } from '../domain/job.ts';
import type { Placement, PreflightOperation } from '../domain/preflight/gathered.ts';
import type { PreflightReport } from '../domain/preflight/report.ts';
import type { ProtectedItem } from '../domain/protected-item.ts';
import type { ErrorRecord } from '../errors/failback-error.ts';
import type { PlanRun } from '../domain/plan-run.ts';
import type { RecoveryPlan } from '../domain/recovery-plan.ts';
import type { ReplicationGroupRecord } from '../domain/replication-group.ts';
import type { Result } from '../errors/result.ts';

/** A record and the ETag it was read with. */
export interface Versioned<T> {
  readonly value: T;
  readonly etag: string;
}

/** Records by id. A write with an ETag throws FB-REQ-008 when somebody else was faster. */
export interface RecordStore<T> {
  get(id: string): Promise<Versioned<T> | null>;
  /** Throws FB-REQ-008 when the id exists already. */
  create(value: T): Promise<void>;
  replace(value: T, etag: string): Promise<void>;
  delete(id: string, etag: string): Promise<void>;
  /** Ordered by row key: jobs newest first, the others by id. */
  list(): Promise<readonly T[]>;
}

export interface PageRequest<T> {
  /** At most so many records, at least 1. */
  readonly limit: number;
  /** Only records behind this id, in the order of `list`. */
  readonly after?: string | undefined;
  readonly where?: (value: T) => boolean;
}

export interface Page<T> {
  readonly values: readonly T[];
  /** What `after` of the next page has to be; `null` = there is no more. May come with few values, or none. */
  readonly next: string | null;
}

/** Records that are many, and of one kind that people list. */
export interface PagedStore<T> extends RecordStore<T> {
  listPage(request: PageRequest<T>): Promise<Page<T>>;
}

export type ItemStore = PagedStore<ProtectedItem>;
export type JobStore = PagedStore<Job>;

export interface AgentRecord {
  readonly id: string;
  readonly kind: AgentKind;
  readonly name: string;
  readonly version: string;
  readonly address: { readonly host: string; readonly port: number } | null;
  /** SHA-256 of the agent key, hex. The key itself is not kept. */
  readonly keyHash: string;
  readonly registeredAt: string;
  readonly heartbeatAt: string;
  /** Of a master target, as it told last. Absent = it did not tell. */
  readonly load?: MasterTargetLoad;
  /** Set once it was noticed that the agent is gone, until it is heard of again. */
  readonly isReportedSilent?: boolean;
  /** We delete its machine: it gets no work, its heartbeats do not count, its silence is meant. */
  readonly isRetired?: boolean;
}
export type AgentStore = PagedStore<AgentRecord>;

export interface CommandRecord {
  /** `<job>.<step>`. */
  readonly id: string;
  readonly agentId: string;
  readonly name: CommandName;
  readonly input: unknown;
  readonly instanceId: string;
  readonly sentAt: string;
  readonly deadlineAt: string;
  readonly result: Result<unknown> | null;
  readonly progress: unknown;
  readonly progressAt: string | null;
}

export interface CommandStore extends RecordStore<CommandRecord> {
  /** The commands of one job that have no result yet. */
  listOpen(jobId: string): Promise<readonly CommandRecord[]>;
}

/** That a recovery point was made, and where. Written once; whether it is still retained stands elsewhere. */
export interface RecoveryPointRecord {
  /** `<item>.<reverse ticks>-<point>`: by machine, newest first. Records of earlier versions have no machine in it. */
  readonly id: string;
  readonly itemId: string;
  readonly pointId: string;
  readonly takenAt: string;
  readonly place: 'onPremises' | 'azure';
  readonly consistency: 'crashConsistent' | 'applicationConsistent';
  readonly reason?: string;
  readonly groupPointId?: string;
}

/** One run of all preflight rules that somebody asked for. */
export interface PreflightRecord {
  /** `pf-<…>`, newest first; also the instance of its orchestration. */
  readonly id: string;
  readonly itemId: string;
  readonly operation: PreflightOperation;
  readonly placement: Placement;
  readonly createdAt: string;
  /** `null` while it runs. */
  readonly endedAt: string | null;
  readonly report: PreflightReport | null;
  /** Why the run itself failed. */
  readonly error: ErrorRecord | null;
}

/** What was answered to a request with an idempotency key. */
export interface IdempotencyRecord {
  /** Digest of caller, path and key. */
  readonly id: string;
  /** SHA-256 of the request's body, hex. */
  readonly bodyHash: string;
  /** From then on the record counts as absent. */
  readonly expiresAt: string;
  /** `null` while the request is being worked on. */
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly json: unknown;
  } | null;
}

/** Who did what, when. Written once, never changed. */
export interface EventRecord {
  /** `<reverse ticks>-<what makes it unique>`: newest first. */
  readonly id: string;
  readonly at: string;
  readonly kind: EventKind;
  /** The person or key that asked, `system` for what happens by itself, or the agent. */
  readonly caller: string;
  readonly itemId: string | null;
  readonly jobId: string | null;
  /** Absent where no recovery plan is concerned. */
  readonly planId?: string;
  readonly runId?: string;
  readonly message: string;
  /** Of the catalogue, when something was refused or failed. */
  readonly code: string | null;
}

export interface Stores {
  readonly events: PagedStore<EventRecord>;
  readonly items: ItemStore;
  readonly jobs: JobStore;
  readonly agents: AgentStore;
  readonly commands: CommandStore;
  readonly recoveryPoints: PagedStore<RecoveryPointRecord>;
  readonly preflights: RecordStore<PreflightRecord>;
  readonly idempotency: RecordStore<IdempotencyRecord>;
  readonly plans: PagedStore<RecoveryPlan>;
  readonly planRuns: PagedStore<PlanRun>;
  readonly replicationGroups: RecordStore<ReplicationGroupRecord>;
}

/** Records that get old, and how they are found without reading those that are not. */
export interface AgeingStore<T> extends RecordStore<T> {
  /** The first records behind this id in its partition, in the order of ids. */
  listBehind(id: string, limit: number): Promise<readonly Versioned<T>[]>;
}

export interface AgeingPointStore extends AgeingStore<RecoveryPointRecord> {
  /** The newest point of the next machine behind this one that has any, in the order of the ids of machines. */
  firstBehind(itemId: string): Promise<RecoveryPointRecord | null>;
}

export interface AgeingCommandStore extends CommandStore {
  /** The first command of the next job behind this one that has any, in the order of the ids of jobs. */
  firstBehind(jobId: string): Promise<CommandRecord | null>;
  /** The first commands of one job. */
  listOfJob(jobId: string, limit: number): Promise<readonly Versioned<CommandRecord>[]>;
}

export interface IdempotencyStore extends RecordStore<IdempotencyRecord> {
  /** Records that expired before this moment (ISO 8601). */
  listExpired(before: string, limit: number): Promise<readonly Versioned<IdempotencyRecord>[]>;
}

/** What the timer that deletes old records sees. */
export interface AgeingStores extends Pick<Stores, 'jobs' | 'planRuns'> {
  readonly events: AgeingStore<EventRecord>;
  readonly preflights: AgeingStore<PreflightRecord>;
  readonly recoveryPoints: PagedStore<RecoveryPointRecord> & AgeingPointStore;
  readonly replicationGroups: AgeingStore<ReplicationGroupRecord>;
  readonly idempotency: IdempotencyStore;
  readonly commands: AgeingCommandStore;
}
