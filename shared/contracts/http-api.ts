import { z } from 'zod';
import { EVENT_KINDS } from '../domain/event.ts';
import { HEALTH_STATES } from '../domain/health.ts';
import { JOB_STATES, TASK_NAMES, TASK_STATES } from '../domain/job.ts';
import { INTENTS, PHASES, STAGES } from '../domain/phases.ts';
import { agentKindSchema, masterTargetLoadSchema } from './agent-protocol.ts';
import { OPERATIONS } from '../domain/protected-item-operations.ts';
import {
  consistencySchema,
  diskShapeSchema,
  originalVmUseSchema,
  replicationModeSchema,
} from './commands.ts';
import { errorRecordSchema } from './errors.ts';
import { identifierSchema, timestampSchema } from './json.ts';
import { networkShape } from './network-shape.ts';
import { transferProgressSchema } from './progress.ts';
import { osTypeSchema } from './site-facts.ts';

/** The HTTP API that portals and scripts use. Bodies are JSON; errors are application/problem+json. */

const JOB_OPERATIONS = ['failback', 'rehearsal'] as const;
const originSchema = z.enum(['VMware', 'HyperV', 'Physical']);

export const optionsSchema = z.strictObject({
  autoFailover: z.boolean().default(false),
  autoCommit: z.boolean().default(false),
  cycleIntervalSeconds: z.int().min(1).max(86_400).default(300),
  bootTimeoutSeconds: z.int().min(10).max(7_200).default(900),
  /** How the first copy is made; absent = the planner chooses and says why. */
  replicationMode: replicationModeSchema.optional(),
  /** Share of the blocks that is read back before the boot. */
  proofShare: z.number().gt(0).max(1).default(1),
  applicationConsistentMinutes: z.int().min(0).max(10_080).default(0),
  /** False: a machine that does not boot waits for somebody to try again or to cancel. */
  rollBackOnBootFailure: z.boolean().default(true),
  /** True: snapshots of the on-premises VM are removed first. Otherwise a VM that has some is refused. */
  removeSnapshots: z.boolean().optional(),
  /** `unregister`: the original VM, which has to be off, leaves the inventory with its files kept; a new VM is made. */
  originalVm: originalVmUseSchema.optional(),
});

/** POST /api/failbacks and POST /api/rehearsals. */
export const startJobSchema = z.strictObject({
  protectedItemId: identifierSchema,
  options: optionsSchema.prefault({}),
});
export type StartJob = z.infer<typeof startJobSchema>;

/** POST /api/failbacks/{id}/{action} */
export const JOB_ACTIONS = [...INTENTS, 'restart'] as const;
export const jobActionSchema = z.enum(JOB_ACTIONS);

/** POST /api/failbacks/{id}/failover; the body may be left out. */
export const failoverSchema = z.strictObject({
  /**
   * `latest` loses nothing. `latestProcessed` boots the newest sealed point without a last delta: the shortest
   * downtime. It, `latestApplicationConsistent` and a point by its id lose what came after them.
   */
  recoveryPoint: identifierSchema.default('latest'),
  /** Refused with FB-RCV-002 when more would be lost; judged again right before the shutdown, and then put back. */
  maxDataLossMinutes: z.number().nonnegative().optional(),
  /**
   * Boot although Azure does not say whether its VM is off: it cannot be reached, or the VM was moved. Only with a
   * recovery point that is sealed already; needs a committer. DANGER: if the Azure VM runs, or comes back with its
   * region, two machines of one identity run at once, each with data that the other lacks (split brain). Make sure by
   * other means that it is off or cut off, and stays so. Without effect where Azure answers.
   */
  acceptUnreachableSource: z.boolean().optional(),
});

/** GET /api/failbacks, newest first. */
export const jobFilter = {
  protectedItemId: identifierSchema.optional(),
  operation: z.enum(JOB_OPERATIONS).optional(),
  state: z.enum(JOB_STATES).optional(),
  /** Created at this moment or later, and before that one. */
  from: timestampSchema.optional(),
  to: timestampSchema.optional(),
};

/** GET /api/protected-items, by id. */
export const itemFilter = {
  phase: z.enum(PHASES).optional(),
  origin: originSchema.optional(),
  /** Beginning of the name; capitals do not count. */
  name: z.string().min(1).max(80).optional(),
  /** As it is when the page is asked for. */
  health: z.enum(HEALTH_STATES).optional(),
};

/** GET /api/failbacks/{id}/failover-preview?recoveryPoint= */
export const failoverPreviewSchema = z.object({
  recoveryPoint: z.string(),
  /** `null` for `latest`, which is made after the shutdown, and when nothing fits. */
  point: z
    .object({
      pointId: identifierSchema,
      takenAt: timestampSchema,
      consistency: consistencySchema,
      reason: z.string().optional(),
      groupPointId: z.string().optional(),
    })
    .nullable(),
  isFinalDeltaSent: z.boolean(),
  /** If the machine were shut down now; `null` when there is no such point. */
  expectedDataLossMinutes: z.number().nullable(),
  /** Length of the last delta, by the latest cycles; `null` before the first, 0 when none is sent. */
  finalDeltaSeconds: z.number().nullable(),
  /** With proof and boot as the machine's newest rehearsal or failback measured them; `null` when none did. */
  downtimeSeconds: z.number().nullable(),
  /** Whatever was asked about: what to choose now, and why. `null` = no choice leads home. */
  recommended: z.object({
    recoveryPoint: z.enum(['latest', 'latestProcessed']).nullable(),
    reason: z.string(),
    /** With that choice, now; `null` without one. */
    expectedDataLossMinutes: z.number().nullable(),
  }),
  /** Why POST …/failover would refuse this choice; `null` when it would not. */
  refusal: errorRecordSchema.nullable(),
});
export type FailoverPreview = z.infer<typeof failoverPreviewSchema>;

/** GET /api/protected-items/{id}/recovery-points, newest first. */
export const recoveryPointViewSchema = z.object({
  pointId: z.string(),
  takenAt: timestampSchema,
  consistency: consistencySchema,
  /** Why it is only crash-consistent although application consistency was asked for. */
  reason: z.string().optional(),
  groupPointId: z.string().optional(),
  /**
   * `onPremises`: it can be failed over to. `azure`: the replicas held the machine as of then, and a snapshot of each
   * was taken. Nothing of ours goes back to it, and nobody looks whether the snapshots are still there.
   */
  place: z.enum(['onPremises', 'azure']),
  /** Somebody goes back to it: it stays, whatever the retention says. */
  isHeld: z.boolean(),
  /** What going back to it would lose, if the machine were gone now. */
  expectedDataLossSeconds: z.number(),
});
export type RecoveryPointView = z.infer<typeof recoveryPointViewSchema>;

/** Shorter than other identifiers: the names of what belongs to the item are made from it. */
export const protectedItemIdSchema = identifierSchema.max(60, 'at most 60 letters');

/** What is known of the machine on-premises and of its failover. What is left out is not known, and may block. */
export const failoverRecordSchema = z.strictObject({
  /** `about.instanceUuid` of the vCenter it was under; `none` for an ESXi host by itself. */
  vcenterId: z.string().min(1).max(80).optional(),
  /** Under which it was protected. Default: the one that the first PUT names, and its address then. */
  configurationServer: identifierSchema.optional(),
  configurationServerAddress: z.string().min(1).max(255).optional(),
  /** Default: what the last PUT said. */
  isMigrationCompleted: z.boolean().optional(),
  /** The VM that was failed over does not exist any more, under whatever name: a new one may be made. */
  isOriginalVmGone: z.boolean().optional(),
  /** Ids of disks that the machine did not have on-premises, which are made there. */
  disksAddedInAzure: z.array(identifierSchema).max(100).readonly().optional(),
  /** Hyper-V only. */
  isCommitted: z.boolean().optional(),
  /** Hyper-V only. */
  dataEncryption: z.enum(['off', 'certificateGiven', 'certificateMissing']).optional(),
  /** Physical servers only, such as `Windows Server 2016`. */
  osName: z.string().min(1).max(200).optional(),
  isNetworkManagerRemoved: z.boolean().optional(),
  vmwareTools: z.enum(['running', 'disabled', 'absent']).optional(),
});

/** PUT /api/protected-items/{id}: takes a VM that runs in Azure under care. */
export const putProtectedItemSchema = z.strictObject({
  name: z.string().min(1).max(80),
  origin: originSchema,
  resourceGroup: z.string().min(1).max(90),
  vmName: z.string().min(1).max(64),
  target: z.strictObject({
    /** Machines come home as VMs only: with `physicalMachine`, preflight says so and a failback is refused. */
    kind: z.enum(['virtualMachine', 'physicalMachine']).default('virtualMachine'),
    configurationServer: identifierSchema,
    /** `auto`, or left out: one is chosen when a failback or a rehearsal begins. */
    masterTarget: identifierSchema.optional(),
    vmName: z.string().min(1).max(80),
    /** Instance UUID of the original VM. Left out: it is the only one of that name. */
    vmId: z.string().min(1).max(100).optional(),
    /**
     * By disk, `os` or `lun-<n>`: its place in the original VM, as `scsi0:2`, or its UUID there. Needed for data disks
     * of one size, which nothing else tells apart.
     */
    disks: z.record(identifierSchema, z.string().min(1).max(100)).optional(),
    /** For a VM that has to be created. */
    datastore: z.string().min(1).max(255).optional(),
    networks: z.array(z.strictObject(networkShape)).default([]),
  }),
  isRehearsalEnabled: z.boolean().default(false),
  failover: failoverRecordSchema.prefault({}),
  /** A newest recovery point that is older is a warning; absent = the default of the installation. */
  rpoThresholdMinutes: z.int().min(1).max(10_080).optional(),
});
export type PutProtectedItem = z.infer<typeof putProtectedItemSchema>;

const healthErrorSchema = z.object({
  code: z.string(),
  severity: z.enum(['warning', 'critical']),
  category: z.string(),
  message: z.string(),
  possibleCauses: z.array(z.string()).readonly(),
  recommendedAction: z.string(),
  customerResolvable: z.boolean(),
});

/** An operation that is not possible now, and why. */
const refusedOperationSchema = z.object({
  operation: z.enum(OPERATIONS),
  code: z.string(),
  message: z.string(),
});

export const protectedItemViewSchema = z.object({
  id: identifierSchema,
  name: z.string(),
  origin: originSchema,
  phase: z.enum(PHASES),
  stage: z.enum(STAGES),
  direction: z.enum(['azureToOnPremises', 'onPremisesToAzure', 'none']),
  osType: osTypeSchema,
  vmName: z.string(),
  resourceGroup: z.string(),
  disks: z.array(diskShapeSchema.extend({ diskName: z.string() })),
  rpoSeconds: z.number().nullable(),
  activeJobId: z.string().nullable(),
  onPremisesVmId: z.string().nullable(),
  azureVmId: z.string().nullable(),
  failover: failoverRecordSchema.nullable(),
  rpoThresholdMinutes: z.number(),
  health: z.enum(HEALTH_STATES),
  /** The gravest first. */
  healthErrors: z.array(healthErrorSchema),
  allowedOperations: z.array(z.enum(OPERATIONS)),
  refusedOperations: z.array(refusedOperationSchema),
});
export type ProtectedItemView = z.infer<typeof protectedItemViewSchema>;

const jobProgressSchema = z.object({
  ...transferProgressSchema.shape,
  /** Bytes before compression per byte after it; absent while nothing was sent. */
  compressionRatio: z.number().optional(),
  parts: z.array(
    z.object({
      name: z.string(),
      diskId: z.string().nullable(),
      progress: transferProgressSchema,
    }),
  ),
});

/** GET /api/failbacks/{id} */
export const jobViewSchema = z.object({
  id: identifierSchema,
  operation: z.enum(OPERATIONS),
  protectedItemId: identifierSchema,
  protectedItemName: z.string(),
  state: z.enum(JOB_STATES),
  phase: z.enum(PHASES),
  stage: z.enum(STAGES),
  allowedActions: z.array(z.enum(JOB_ACTIONS)),
  /** The job that this one was asked to resume or restart. */
  follows: z.string().nullable(),
  createdAt: timestampSchema,
  endedAt: timestampSchema.nullable(),
  rpoSeconds: z.number().nullable(),
  progress: jobProgressSchema.nullable(),
  /** The steps so far; the progress of what travels now belongs to the one that is open. */
  tasks: z.array(
    z.object({
      name: z.enum(TASK_NAMES),
      state: z.enum(TASK_STATES),
      startedAt: timestampSchema,
      endedAt: timestampSchema.nullable(),
      progress: jobProgressSchema.optional(),
      error: errorRecordSchema.optional(),
    }),
  ),
  /** What keeps the job from going on right now; it goes on by itself once the cause is gone. */
  health: z.array(errorRecordSchema),
  cycles: z.array(z.record(z.string(), z.unknown())),
  history: z.array(
    z.object({
      at: timestampSchema,
      phase: z.enum(PHASES),
      stage: z.enum(STAGES),
      message: z.string(),
    }),
  ),
  report: z.record(z.string(), z.unknown()),
  error: errorRecordSchema.nullable(),
});
export type JobView = z.infer<typeof jobViewSchema>;

/** GET /api/agents */
export const agentViewSchema = z.object({
  id: identifierSchema,
  kind: agentKindSchema,
  name: z.string(),
  version: z.string(),
  address: z.object({ host: z.string(), port: z.int() }).nullable(),
  registeredAt: timestampSchema,
  heartbeatAt: timestampSchema,
  /** Of a master target. */
  load: masterTargetLoadSchema.optional(),
});
export type AgentView = z.infer<typeof agentViewSchema>;

/** GET /api/events: besides the page. */
export const eventFilter = {
  itemId: identifierSchema.optional(),
  jobId: identifierSchema.optional(),
  planId: identifierSchema.optional(),
  runId: identifierSchema.optional(),
};

/** GET /api/events, newest first. */
export const eventViewSchema = z.object({
  id: z.string(),
  at: timestampSchema,
  kind: z.enum(EVENT_KINDS),
  caller: z.string(),
  itemId: z.string().nullable(),
  jobId: z.string().nullable(),
  planId: z.string().nullable(),
  runId: z.string().nullable(),
  message: z.string(),
  code: z.string().nullable(),
});
