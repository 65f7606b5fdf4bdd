import { z } from 'zod';
import { diskShapeSchema, openedDiskSchema, targetDeviceSchema } from './disk-shape.ts';
import { identifierSchema, sectorBytesSchema, timestampSchema } from './json.ts';
import { networkShape } from './network-shape.ts';
import {
  describeProcessServerInput,
  describeProcessServerOutput,
  describeSiteInput,
  describeSiteOutput,
  firmwareSchema,
  osTypeSchema,
  verifyMasterTargetOutput,
} from './site-facts.ts';

export {
  type DiskShape,
  diskShapeSchema,
  type TargetDevice,
  targetDeviceSchema,
} from './disk-shape.ts';

/**
 * Commands of the control plane to the agents. Delivered at least once; an agent answers a repeated
 * `commandId` with the result of the first run. Inputs carry no secrets: whoever needs a SAS asks for
 * it over HTTPS with the command id.
 */

/** What becomes of the original VM; see FailbackOptions. */
export const originalVmUseSchema = z.enum(['use', 'unregister']);

export const vmShapeSchema = z.object({
  name: z.string().min(1).max(80),
  osType: osTypeSchema,
  firmware: firmwareSchema,
  cpuCount: z.int().positive(),
  memoryMiB: z.int().positive(),
  disks: z.array(diskShapeSchema).min(1).max(60),
  networks: z.array(z.object(networkShape)),
  /** As `Red Hat Enterprise Linux 5.11`, where it is known: old ones lack drivers for the devices of today. */
  osName: z.string().max(200).optional(),
});
export type VmShape = z.infer<typeof vmShapeSchema>;

export const consistencySchema = z.enum(['crashConsistent', 'applicationConsistent']);
export const replicationModeSchema = z.enum(['full', 'delta', 'checksum']);
export type ReplicationMode = z.infer<typeof replicationModeSchema>;

/**
 * Where the process server sends: the master target's address and the replication it belongs to.
 * `replicationId` is the item's id, or `rehearsal-<item id>` for a rehearsal.
 */
const replicationIdSchema = identifierSchema;

/** A file name without a path: which folder it is in is the configuration server's own business. */
export const scriptNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/, 'letters, digits, - _ and .');

const commandSchemas = {
  // ---- configuration server --------------------------------------------------------------------
  /** Facts about the site for preflight: never changes anything. */
  describeSite: { input: describeSiteInput, output: describeSiteOutput },
  /**
   * Makes the on-premises VM ready to receive: stops the original VM (OLR) or creates one (ALR), makes
   * its disks the right size and attaches them to the master target. Idempotent by `replicationId`.
   */
  prepareTarget: {
    input: z.object({
      replicationId: replicationIdSchema,
      vm: vmShapeSchema,
      /** A scratch VM for a rehearsal is always created new, in an isolated network. */
      isRehearsal: z.boolean(),
      /** Name of the master target that gets the disks; one asked by an older control plane has but one. */
      masterTarget: identifierSchema.optional(),
      /** For a VM that has to be created. */
      datastore: z.string().optional(),
      /** The VM that the item had last; without it its name has to do. */
      targetVmId: z.string().optional(),
      originalVm: originalVmUseSchema.optional(),
    }),
    output: z.object({
      vmId: z.string(),
      location: z.enum(['original', 'alternate']),
      wasRunning: z.boolean(),
      disks: z.array(
        z.object({ diskId: identifierSchema, device: targetDeviceSchema, isBlank: z.boolean() }),
      ),
    }),
  },
  /**
   * Disks grew in Azure: makes those of the on-premises VM as large and attaches all to the master target again, which
   * has let them go before. What is added reads as zeros. Idempotent.
   */
  growDisks: {
    input: z.object({
      replicationId: replicationIdSchema,
      disks: z
        .array(z.object({ diskId: identifierSchema, sizeBytes: sectorBytesSchema.positive() }))
        .min(1),
    }),
    /** All disks of the machine. */
    output: z.object({ disks: z.array(openedDiskSchema) }),
  },
  /** Only when the operator asked for it: what the snapshots held of the past is gone. A VM that is not there has none. */
  removeSnapshots: {
    input: z.object({ vmName: z.string(), targetVmId: z.string().optional() }),
    output: z.object({ removedCount: z.int().nonnegative() }),
  },
  /** Undo of prepareTarget: detaches the disks, deletes a VM that was created, restarts one that was stopped. */
  restoreTarget: {
    input: z.object({ replicationId: replicationIdSchema, startVm: z.boolean() }),
    output: z.object({ deletedVm: z.boolean(), startedVm: z.boolean() }),
  },
  /** Takes the disks from the master target and attaches them to the VM itself. */
  attachDisks: {
    input: z.object({ replicationId: replicationIdSchema }),
    output: z.object({ vmId: z.string(), diskCount: z.int() }),
  },
  /** Gives the disks back to the master target after a rollback, so that replication can go on. */
  detachDisks: {
    input: z.object({ replicationId: replicationIdSchema }),
    output: z.object({ diskCount: z.int() }),
  },
  /**
   * Guest fix-ups; each is reported, none is silent. Sent before the boot for what is done to a VM that is off, and
   * after it for what only a running guest can do.
   */
  fixGuest: {
    input: z.object({ replicationId: replicationIdSchema }),
    output: z.object({
      fixups: z.array(
        z.object({
          name: z.string(),
          outcome: z.enum(['done', 'notNeeded', 'deferredToGuest', 'failed']),
          detail: z.string(),
        }),
      ),
    }),
  },
  startVm: {
    input: z.object({ replicationId: replicationIdSchema }),
    output: z.object({ startedAt: timestampSchema, isBootSimulated: z.boolean() }),
  },
  stopVm: {
    input: z.object({ replicationId: replicationIdSchema, graceful: z.boolean() }),
    output: z.object({ wasRunning: z.boolean() }),
  },
  /** Waits for a sign of life of the guest (heartbeat of the tools, or a line on its serial console). */
  verifyBoot: {
    input: z.object({ replicationId: replicationIdSchema, timeoutSeconds: z.int().positive() }),
    output: z.object({
      bootedAt: timestampSchema,
      /** What was seen: the console line or the tools' state. */
      evidence: z.string(),
      isBootSimulated: z.boolean(),
    }),
  },
  /** FB-AGENT-001 while the mobility agent in the guest has not registered since the last boot. */
  checkMobilityAgent: {
    input: z.object({ replicationId: replicationIdSchema }),
    output: z.object({ registeredAt: timestampSchema, hostName: z.string(), version: z.string() }),
  },
  /** A readable, crash-consistent image of the running VM's disks for the way back to Azure. */
  openReverseSource: {
    input: z.object({ replicationId: replicationIdSchema, pointId: identifierSchema }),
    output: z.object({
      takenAt: timestampSchema,
      disks: z.array(z.object({ diskId: identifierSchema, device: targetDeviceSchema })),
    }),
  },
  closeReverseSource: {
    input: z.object({ replicationId: replicationIdSchema, pointId: identifierSchema }),
    output: z.object({ wasOpen: z.boolean() }),
  },
  /** Signs the certificate request of another agent, if its proof shows that it knows the passphrase. */
  issueCertificate: {
    input: z.object({
      agentName: identifierSchema,
      agentKind: z.enum(['processServer', 'masterTarget']),
      csrPem: z.string().max(8192),
      csrProof: z.string(),
    }),
    output: z.object({ certificatePem: z.string(), caPem: z.string(), proof: z.string() }),
  },

  // ---- process server --------------------------------------------------------------------------
  /** Facts about the process server for preflight: never changes anything. */
  describeProcessServer: {
    input: describeProcessServerInput,
    output: describeProcessServerOutput,
  },
  /** Sends one disk of one recovery point to the master target. Resumes where an earlier run stopped. */
  replicateDisk: {
    input: z.object({
      replicationId: replicationIdSchema,
      pointId: identifierSchema,
      diskId: identifierSchema,
      sizeBytes: sectorBytesSchema.positive(),
      /** Asked for by the operator; absent = the planner picks and says why. */
      mode: replicationModeSchema.optional(),
      /** Names of the managed disk snapshots; URLs are fetched with dataAccess(). */
      snapshotName: z.string(),
      baseSnapshotName: z.string().optional(),
      /** Only these stretches of the snapshot: blocks that were found damaged at the target. */
      repair: z.array(z.object({ offset: z.int(), length: z.int().positive() })).optional(),
      masterTarget: z.object({ host: z.string(), port: z.int().min(1).max(65535) }),
      /** As at sealRecoveryPoint: a full retention volume may let older points go before anything is sealed. */
      keepPointId: identifierSchema.optional(),
    }),
    output: z.object({
      mode: replicationModeSchema,
      modeReason: z.string(),
      /** Bytes that differ (data + zero), and how many of them are zeros. */
      changedBytes: z.int(),
      zeroBytes: z.int(),
      /** Bytes read from the source; bytes sent before compression, and after it. */
      readBytes: z.int(),
      sentBytes: z.int(),
      wireBytes: z.int(),
      durationMs: z.int(),
      /** How often the connection broke and was taken up again. */
      resumeCount: z.int(),
    }),
  },

  /**
   * Runs a script that an administrator of the site has put into its folder of allowed scripts. Never run
   * twice: one that was under way when the agent stopped ends in FB-RCV-014.
   */
  runScript: {
    input: z.object({
      script: scriptNameSchema,
      /** Handed over as JSON in FAILBACK_ARGUMENTS. No secrets: they would lie in records. */
      arguments: z.record(identifierSchema, z.string().max(1000)),
      timeoutSeconds: z.int().min(1).max(86_400),
    }),
    output: z.object({
      durationMs: z.int().nonnegative(),
      /** The end of standard output and error, without what looks like a secret. */
      output: z.string(),
    }),
  },

  // ---- master target ---------------------------------------------------------------------------
  /** Facts about the master target for preflight. */
  verifyMasterTarget: {
    input: z.object({ replicationId: replicationIdSchema }),
    output: verifyMasterTargetOutput,
  },
  /**
   * Opens the disks and their journal. The disks count as not bootable until a point is sealed. One that is larger than
   * it was keeps what is known of it, and its older points.
   */
  openTarget: {
    input: z.object({
      replicationId: replicationIdSchema,
      disks: z.array(openedDiskSchema).min(1),
    }),
    output: z.object({ sealedPointId: identifierSchema.nullable() }),
  },
  /** Makes the staged bytes of all disks one bootable recovery point, atomically, and applies them. */
  sealRecoveryPoint: {
    input: z.object({
      replicationId: replicationIdSchema,
      pointId: identifierSchema,
      diskIds: z.array(identifierSchema).min(1),
      takenAt: timestampSchema,
      consistency: consistencySchema,
      /** An older point that stays, whatever the retention says: somebody goes back to it. */
      keepPointId: identifierSchema.optional(),
    }),
    output: z.object({
      sealedAt: timestampSchema,
      appliedBytes: z.int(),
      /** Points that can be gone back to from now on, oldest first; the new one is the last. */
      retainedPointIds: z.array(identifierSchema),
    }),
  },
  /**
   * Takes the disks back to an older point. What the replica in Azure will hold is remembered, so that the
   * way back sends what differs from it. FB-JRN-009 when the point is not retained any more.
   */
  rewindToPoint: {
    input: z.object({ replicationId: replicationIdSchema, pointId: identifierSchema }),
    output: z.object({ takenAt: timestampSchema, consistency: consistencySchema }),
  },
  /** After the commit: of what could be gone back to only the record of the newest point stays. Touches no disk. */
  forgetOlderPoints: {
    input: z.object({ replicationId: replicationIdSchema }),
    output: z.object({ forgottenPoints: z.int().nonnegative() }),
  },
  /** Throws away what was staged and never sealed; the disks stay at the last sealed point. */
  discardUnsealed: {
    input: z.object({ replicationId: replicationIdSchema }),
    output: z.object({ sealedPointId: identifierSchema.nullable() }),
  },
  /** Reads the disks back and compares blocks with the digests of the source: all, or a sample of them. */
  verifyDisks: {
    input: z.object({
      replicationId: replicationIdSchema,
      pointId: identifierSchema,
      /** Share of the blocks, chosen anew each time; the first and the last blocks of a disk are always among them. */
      sampleShare: z.number().gt(0).max(1).default(1),
    }),
    output: z.object({
      /** Share that was compared in fact. */
      comparedShare: z.number(),
      blocksCompared: z.int(),
      bytesCompared: z.int(),
      mismatches: z.array(z.object({ diskId: identifierSchema, offset: z.int(), length: z.int() })),
      /** Bytes of each disk, which may have grown. Agents of earlier versions do not say. */
      sizes: z.record(identifierSchema, sectorBytesSchema).optional(),
    }),
  },
  /** Flushes and lets go of the disks, so that the VM may use them. The journal and manifests stay. */
  closeTarget: {
    input: z.object({ replicationId: replicationIdSchema, forget: z.boolean() }),
    output: z.object({ wasOpen: z.boolean() }),
  },
  /** The way back: compares the on-premises disk with the manifest and puts unequal blocks into the replica. */
  replicateToAzure: {
    input: z.object({
      replicationId: replicationIdSchema,
      pointId: identifierSchema,
      diskId: identifierSchema,
      sizeBytes: sectorBytesSchema.positive(),
      device: targetDeviceSchema,
      /** Blob name of the replica page blob (fixed VHD); its SAS is fetched with dataAccess(). */
      replicaBlobName: z.string(),
    }),
    output: z.object({
      comparedBytes: z.int(),
      changedBytes: z.int(),
      sentBytes: z.int(),
      durationMs: z.int(),
    }),
  },
} as const;

export const COMMANDS = commandSchemas;
export type CommandName = keyof typeof COMMANDS;
export type CommandInput<N extends CommandName> = z.infer<(typeof COMMANDS)[N]['input']>;
export type CommandOutput<N extends CommandName> = z.infer<(typeof COMMANDS)[N]['output']>;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}
