import type { z } from 'zod';
import type { MasterTargetChoice } from '../domain/choose-master-target.ts';
import type {
  CycleStatistics,
  FailbackReport,
  JobState,
  LossKind,
  TaskName,
} from '../domain/job.ts';
import type { Intent, Phase } from '../domain/phases.ts';
import type { AzureFacts, Placement, RecordFacts } from '../domain/preflight/gathered.ts';
import type { PreflightReport } from '../domain/preflight/report.ts';
import type { ProtectedItem } from '../domain/protected-item.ts';
import type { SourceSight } from '../domain/source-state.ts';
import type { ErrorRecord } from '../errors/failback-error.ts';
import type { Result } from '../errors/result.ts';
import { RETRY, type RetryPolicy } from '../policy/retry.ts';
import type { CommandName, consistencySchema, VmShape } from './commands.ts';
import type { PlanActivityContracts } from './plan-activities.ts';

type Consistency = z.infer<typeof consistencySchema>;

/** Who takes part in one replication; looked up once, then passed along. No secrets. */
export interface SiteBinding {
  readonly item: ProtectedItem;
  readonly vm: VmShape;
  readonly configurationServerId: string;
  /** Its name. */
  readonly masterTarget: string;
  readonly masterTargetId: string;
  readonly masterTargetAddress: { readonly host: string; readonly port: number };
}

export type PowerState = 'running' | 'stopped' | 'deallocated' | 'changing' | 'absent';

export interface GrownDisk {
  readonly diskId: string;
  readonly fromBytes: number;
  readonly toBytes: number;
}

interface JobRef {
  readonly jobId: string;
  readonly itemId: string;
}

/** Input and output of every activity, by its registered name. All outputs are small, plain JSON. */
export interface ActivityContracts extends PlanActivityContracts {
  /** Checks the transition and shows it in the item and in the job. */
  enterPhase: {
    input: JobRef & {
      readonly phase: Phase;
      readonly message: string;
      readonly state?: JobState;
      /** The step that begins; absent = the open one ends and none begins. */
      readonly task?: TaskName;
      /** Why the open task ends, when it is not done. */
      readonly error?: ErrorRecord;
      /** Opens this gate: what was asked for at an earlier one counts no more. */
      readonly gate?: string;
      /** A rehearsal shows phases in its job only; the item stays as it is. */
      readonly isRehearsal: boolean;
    };
    output: null;
  };
  readIntents: {
    input: { readonly jobId: string };
    output: Readonly<Partial<Record<Intent, string>>>;
  };
  /** The recovery point that the operator chose to boot, held from now on; `null` = the newest. */
  readFailoverChoice: {
    input: JobRef & { readonly isFinalDeltaPossible: boolean };
    output: {
      readonly pointId: string | null;
      /** It is sealed already and wanted without the last changes, or nobody can send them. */
      readonly sealed?: {
        readonly pointId: string;
        readonly takenAt: string;
        readonly consistency: Consistency;
        /** The disks stand at it. */
        readonly isNewest: boolean;
      };
    };
  };
  bindSite: { input: JobRef; output: SiteBinding };
  /** For the way back, which asks nothing of Azure. `masterTargetId` is `null` while it is not connected. */
  findSiteAgents: {
    input: JobRef;
    output: { readonly configurationServerId: string; readonly masterTargetId: string | null };
  };
  gatherAzureFacts: { input: JobRef; output: AzureFacts };
  gatherRecordFacts: {
    input: { readonly itemId: string; readonly placement: Placement };
    output: RecordFacts;
  };
  recordPreflight: {
    input: { readonly preflightId: string; readonly result: Result<PreflightReport> };
    output: null;
  };
  ensureProcessServer: {
    input: JobRef;
    output: { readonly name: string; readonly isDeployedByUs: boolean };
  };
  findAgent: {
    input: { readonly name: string };
    output: { readonly agentId: string | null };
  };
  retireProcessServer: { input: JobRef; output: { readonly isDeleted: boolean } };
  sendCommand: {
    input: {
      readonly commandId: string;
      readonly agentId: string;
      readonly name: CommandName;
      readonly input: unknown;
      readonly deadlineAt: string;
      readonly instanceId: string;
    };
    output: null;
  };
  readCommand: {
    input: { readonly commandId: string };
    output: { readonly result: Result<unknown> | null };
  };
  abandonCommand: {
    input: { readonly commandId: string; readonly error: ErrorRecord };
    output: null;
  };
  /** All disks at one instant; the same `pointId` gives the same snapshots. */
  takeSnapshots: {
    input: JobRef & {
      readonly pointId: string;
      /** Asked for; absent = crash-consistent. Less than asked for is no failure. */
      readonly consistency?: Consistency;
      /** All disks at one instant, even if the next delta then has to compare everything. */
      readonly isOneInstantWanted?: boolean;
    };
    output: {
      readonly takenAt: string;
      /** What was got. */
      readonly consistency: Consistency;
      /** All disks show the VM at the same instant. */
      readonly isOneInstant: boolean;
      /** Why less was got than was asked for, for people. */
      readonly reasons: readonly string[];
      /** Opaque names by disk id. */
      readonly snapshots: Readonly<Record<string, string>>;
      /** Disks that are larger than was recorded. Absent = none is. */
      readonly grown?: readonly GrownDisk[];
    };
  };
  /** Revokes access to all snapshots of the item and deletes those that are not named. */
  pruneSnapshots: {
    input: JobRef & { readonly keep: readonly string[] };
    output: { readonly deleted: number };
  };
  changeVmPower: {
    input: JobRef & { readonly action: 'powerOff' | 'deallocate' | 'start' };
    output: null;
  };
  /** Looks for the Azure VM and notes whether it runs, before a failback stops it. The first look counts. */
  noteSourcePower: { input: JobRef; output: SourceSight };
  /** Puts a failover back that could not go through by now; the job then waits at `nextGate`. */
  judgeFailover: {
    input: JobRef & { readonly nextGate: string; readonly source: SourceSight };
    output: { readonly isHeldBack: boolean };
  };
  /** Shows that nothing is copied because of Azure. `base`: what the newest sealed point stands for. */
  noteSourceLoss: {
    input: JobRef & { readonly kind: LossKind; readonly error: ErrorRecord };
    output: { readonly base: Readonly<Record<string, string>> };
  };
  /** Shows that snapshots which are not needed any more could not be removed behind the seal of this point. */
  noteLeftSnapshots: {
    input: JobRef & { readonly pointId: string; readonly error: ErrorRecord };
    output: null;
  };
  /** Whether the Azure VM is still there with all of its disks: only then ours are not the last copies. */
  readSource: { input: JobRef; output: SourceSight };
  readVmPower: { input: JobRef; output: { readonly powerState: PowerState } };
  /** Starts the server-side copy of each disk that stays in Azure as the replica, unless it was seen complete. */
  keepReplicaSeed: { input: JobRef; output: { readonly seededAt: string | null } };
  readReplicaSeed: {
    input: JobRef;
    output: {
      readonly state: 'pending' | 'done' | 'failed';
      readonly copiedBytes: number;
      readonly totalBytes: number;
      readonly detail: string;
    };
  };
  /** Refuses unless the job holds the proof of equality. Deletes VM, network interface and disks. */
  deleteAzureVm: { input: JobRef; output: null };
  /** Binds the item to the one that was chosen, or to none, and shows in the job why. */
  recordMasterTarget: {
    input: JobRef & { readonly choice: MasterTargetChoice | null };
    output: null;
  };
  recordTarget: { input: JobRef & { readonly vmId: string | null }; output: null };
  /** Disks grew in Azure, and by now at home as well: the item has their sizes from here on, and the job says so. */
  recordGrowth: { input: JobRef & { readonly grown: readonly GrownDisk[] }; output: null };
  /** Notes that the point is being sealed; says which older one has to outlive that. */
  beginSeal: {
    input: JobRef & { readonly pointId: string };
    output: { readonly keepPointId: string | null };
  };
  recordCycle: {
    input: JobRef & {
      readonly statistics: CycleStatistics;
      readonly base: Readonly<Record<string, string>>;
      /** What the master target still has, oldest first. */
      readonly retainedPointIds: readonly string[];
      readonly isRehearsal: boolean;
    };
    output: null;
  };
  recordReport: {
    input: { readonly jobId: string; readonly report: FailbackReport };
    output: null;
  };
  finishJob: {
    input: JobRef & { readonly state: JobState; readonly error: ErrorRecord | null };
    output: null;
  };
  /** A snapshot of every replica blob: the newest recovery point in Azure. */
  sealReplica: {
    input: JobRef & { readonly pointId: string; readonly takenAt: string };
    output: null;
  };
  startReverseReplication: { input: JobRef; output: null };
  /** How the last delta towards Azure ended; `null` = well. */
  recordReverse: {
    input: { readonly itemId: string; readonly error: ErrorRecord | null };
    output: null;
  };
  readItem: { input: { readonly itemId: string }; output: ProtectedItem | null };
  /** The common instant of the item's replication group, if one is within reach; else `null`. */
  agreeOnGroupPoint: {
    input: {
      readonly groupId: string;
      readonly intervalMinutes: number;
      readonly cycleIntervalSeconds: number;
    };
    output: { readonly take: { readonly groupPointId: string; readonly at: string } | null };
  };
}

export type ActivityName = keyof ActivityContracts;
export type ActivityInput<N extends ActivityName> = ActivityContracts[N]['input'];
export type ActivityOutput<N extends ActivityName> = ActivityContracts[N]['output'];

/** What an activity handler looks like before it is wrapped for the Functions runtime. */
export type ActivityHandler<N extends ActivityName> = (
  input: ActivityInput<N>,
) => Promise<ActivityOutput<N>>;

/** Every activity and how it is retried when it throws a transient error. */
export const ACTIVITY_RETRY = {
  enterPhase: RETRY.storage,
  readIntents: RETRY.storage,
  readFailoverChoice: RETRY.storage,
  bindSite: RETRY.storage,
  findSiteAgents: RETRY.storage,
  gatherAzureFacts: RETRY.azureControlPlane,
  gatherRecordFacts: RETRY.storage,
  recordPreflight: RETRY.storage,
  ensureProcessServer: RETRY.azureControlPlane,
  findAgent: RETRY.storage,
  retireProcessServer: RETRY.azureControlPlane,
  sendCommand: RETRY.storage,
  readCommand: RETRY.storage,
  abandonCommand: RETRY.storage,
  takeSnapshots: RETRY.azureControlPlane,
  pruneSnapshots: RETRY.azureControlPlane,
  changeVmPower: RETRY.azureControlPlane,
  noteSourcePower: RETRY.storage,
  judgeFailover: RETRY.storage,
  noteSourceLoss: RETRY.storage,
  noteLeftSnapshots: RETRY.storage,
  readSource: RETRY.storage,
  readVmPower: RETRY.azureControlPlane,
  keepReplicaSeed: RETRY.azureControlPlane,
  readReplicaSeed: RETRY.storage,
  deleteAzureVm: RETRY.azureControlPlane,
  recordMasterTarget: RETRY.storage,
  recordTarget: RETRY.storage,
  recordGrowth: RETRY.storage,
  beginSeal: RETRY.storage,
  recordCycle: RETRY.storage,
  recordReport: RETRY.storage,
  finishJob: RETRY.storage,
  sealReplica: RETRY.storage,
  startReverseReplication: RETRY.storage,
  recordReverse: RETRY.storage,
  readItem: RETRY.storage,
  agreeOnGroupPoint: RETRY.storage,
  beginPlanRun: RETRY.storage,
  drivePlanStage: RETRY.storage,
  choosePlanPoints: RETRY.storage,
  beginPlanGroup: RETRY.storage,
  endPlanGroup: RETRY.storage,
  beginPlanAction: RETRY.storage,
  endPlanAction: RETRY.storage,
  callPlanWebhook: RETRY.storage,
  findConfigurationServer: RETRY.storage,
  openPlanGate: RETRY.storage,
  readPlanGate: RETRY.storage,
  interruptPlanRun: RETRY.storage,
  finishPlanRun: RETRY.storage,
} as const satisfies Record<ActivityName, RetryPolicy>;
