import type { CommandInput, CommandOutput } from '../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type { AzureReplicas, AzureSnapshots } from './azure-disks.ts';
import type { CommandEffects } from './site-commands.ts';
import type { Site } from './site.ts';
import type { Timers } from './timers.ts';

export type DataPlaneCommand =
  | 'replicateDisk'
  | 'verifyMasterTarget'
  | 'openTarget'
  | 'sealRecoveryPoint'
  | 'discardUnsealed'
  | 'verifyDisks'
  | 'closeTarget'
  | 'replicateToAzure';

interface DataPlaneParts {
  readonly site: Site;
  readonly snapshots: AzureSnapshots;
  readonly replicas: AzureReplicas;
  readonly timers: Timers;
}

const DISK_BYTES = 1024 ** 3;
const BLOCK_BYTES = 256 * 1024;

/** What the process server and the master target do with disks that hold one number each. */
export function dataPlaneEffects(parts: DataPlaneParts): CommandEffects<DataPlaneCommand> {
  const { site, replicas, timers } = parts;
  return {
    replicateDisk: (input) => replicateDisk(parts, input),
    verifyMasterTarget: () => ({
      version: '1.0.0',
      osType: 'Linux',
      retentionVolume: { freeBytes: 1024 ** 4, isSeparateVolume: true, isWritable: true },
      openReplications: [...site.replications.values()].filter(({ isOpen }) => isOpen).length,
      attachedDiskCount: 0,
      transferAddress: { host: 'mt1', port: 9443 },
    }),
    openTarget: ({ replicationId }) => {
      const replication = site.replication(replicationId);
      replication.isOpen = true;
      return { sealedPointId: replication.sealed?.pointId ?? null };
    },
    sealRecoveryPoint: (input) => seal(parts, input),
    discardUnsealed: ({ replicationId }) => {
      const replication = site.replications.get(replicationId);
      replication?.staged.clear();
      return { sealedPointId: replication?.sealed?.pointId ?? null };
    },
    verifyDisks: (input) => verifyDisks(site, input),
    closeTarget: ({ replicationId, forget }) => {
      const replication = site.replications.get(replicationId);
      const wasOpen = replication?.isOpen === true;
      if (replication === undefined) return { wasOpen };
      replication.isOpen = false;
      if (forget) replication.sealed = null;
      return { wasOpen };
    },
    replicateToAzure: ({ replicationId, replicaBlobName }) => {
      const { content } = site.vmOf(replicationId).writes;
      const before = replicas.content(replicaBlobName);
      replicas.write(replicaBlobName, content);
      const changedBytes = before === content ? 0 : Math.abs(content - (before ?? 0));
      const figures = { comparedBytes: DISK_BYTES, changedBytes, sentBytes: changedBytes };
      return { ...figures, durationMs: timers.now().getTime() % 1000 };
    },
  };
}

/** A delta needs the base snapshot and the sealed point that was made from it, as in the real planner. */
function replicateDisk(
  { site, snapshots }: DataPlaneParts,
  input: CommandInput<'replicateDisk'>,
): CommandOutput<'replicateDisk'> {
  const { replicationId, pointId, diskId, snapshotName, baseSnapshotName } = input;
  const replication = site.opened(replicationId);
  const content = snapshots.content(snapshotName);
  replication.staged.set(diskId, { pointId, content });
  const base = replication.sealed;
  const isDelta =
    baseSnapshotName !== undefined &&
    snapshots.names.includes(baseSnapshotName) &&
    base?.source === snapshots.content(baseSnapshotName);
  const changedBytes = isDelta ? content - base.source : DISK_BYTES;
  return {
    mode: isDelta ? 'delta' : 'full',
    modeReason: isDelta ? `base ${baseSnapshotName} is trusted` : 'no base is known',
    changedBytes,
    zeroBytes: 0,
    sentBytes: changedBytes,
    wireBytes: Math.ceil(changedBytes / 2),
    durationMs: 1_000,
    resumeCount: 0,
  };
}

/** All disks of one point become what the VM's disks hold, or none. */
function seal(
  { site, timers }: DataPlaneParts,
  { replicationId, pointId, diskIds }: CommandInput<'sealRecoveryPoint'>,
): CommandOutput<'sealRecoveryPoint'> {
  const replication = site.opened(replicationId);
  const sealedAt = timers.now().toISOString();
  if (replication.sealed?.pointId === pointId) return { sealedAt, appliedBytes: 0 };
  const contents = diskIds.map((diskId) => {
    const staged = replication.staged.get(diskId);
    if (staged?.pointId === pointId) return staged.content;
    const values = { diskId, pointId, reason: 'it was not received' };
    throw new FailbackError('FB-JRN-002', values);
  });
  const vm = site.vmOf(replicationId);
  if (vm.disksAt !== 'masterTarget' || vm.writes.isRunning) {
    throw new FailbackError('FB-SITE-004', { vmName: vm.name });
  }
  const source = Math.max(...contents);
  const content = site.isStorageFaulty ? source - 1 : source;
  replication.sealed = { pointId, source, content };
  replication.isVerified = false;
  replication.staged.clear();
  site.overwrite(vm, content);
  return { sealedAt, appliedBytes: DISK_BYTES };
}

function verifyDisks(
  site: Site,
  { replicationId, pointId }: CommandInput<'verifyDisks'>,
): CommandOutput<'verifyDisks'> {
  const replication = site.opened(replicationId);
  const { sealed } = replication;
  if (sealed?.pointId !== pointId) {
    throw new FailbackError('FB-JRN-006', { pointId, diskId: 'all' });
  }
  const isSame = site.vmOf(replicationId).writes.content === sealed.source;
  replication.isVerified = isSame;
  return {
    blocksCompared: DISK_BYTES / BLOCK_BYTES,
    bytesCompared: DISK_BYTES,
    mismatches: isSame ? [] : [{ diskId: 'os', offset: 0, length: BLOCK_BYTES }],
  };
}
