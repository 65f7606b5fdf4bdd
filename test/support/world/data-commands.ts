import { isDeepStrictEqual } from 'node:util';
import type {
  CommandInput,
  CommandOutput,
  ReplicationMode,
} from '../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type { AzureReplicas, AzureSnapshots } from './azure-disks.ts';
import type { CommandEffects } from './site-commands.ts';
import type { DiskRange, Site, SiteReplication, StagedDisk } from './site.ts';
import type { Timers } from './timers.ts';

export type DataPlaneCommand =
  | 'replicateDisk'
  | 'describeProcessServer'
  | 'verifyMasterTarget'
  | 'openTarget'
  | 'sealRecoveryPoint'
  | 'rewindToPoint'
  | 'discardUnsealed'
  | 'forgetOlderPoints'
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
export const BLOCK_BYTES = 256 * 1024;

/** What the process server and the master target do with disks that hold one number each. */
export function dataPlaneEffects(parts: DataPlaneParts): CommandEffects<DataPlaneCommand> {
  const { site, replicas, timers } = parts;
  return {
    replicateDisk: (input) => replicateDisk(parts, input),
    describeProcessServer: () => ({
      version: '1.0.0',
      isPort9443Reachable: true,
      cpuCount: 8,
      memoryBytes: 16e9,
      cacheBytes: 600e9,
      bandwidthLimitMbps: null,
      observedAt: timers.now().toISOString(),
    }),
    verifyMasterTarget: () => ({
      version: '1.0.0',
      osType: 'Linux',
      retentionVolume: { freeBytes: 1024 ** 4, isSeparateVolume: true, isWritable: true },
      retentionSeconds: 86_400,
      linuxPreparation: null,
      observedAt: timers.now().toISOString(),
      openReplications: [...site.replications.values()].filter(({ isOpen }) => isOpen).length,
      attachedDiskCount: 0,
      transferAddress: { host: 'mt1', port: 9443 },
    }),
    openTarget: (input) => openTarget(site, input),
    sealRecoveryPoint: (input) => seal(parts, input),
    rewindToPoint: (input) => rewind(site, input),
    discardUnsealed: ({ replicationId }) => {
      const replication = site.replications.get(replicationId);
      replication?.staged.clear();
      return { sealedPointId: replication?.sealed?.pointId ?? null };
    },
    forgetOlderPoints: ({ replicationId }) => {
      const replication = site.replications.get(replicationId);
      const forgottenPoints = replication?.older.length ?? 0;
      if (replication !== undefined) replication.older = [];
      return { forgottenPoints };
    },
    verifyDisks: (input) => verifyDisks(site, input),
    closeTarget: ({ replicationId, forget }) => {
      const replication = site.replications.get(replicationId);
      const wasOpen = replication?.isOpen === true;
      if (replication === undefined) return { wasOpen };
      replication.isOpen = false;
      if (!forget) return { wasOpen };
      Object.assign(replication, { sealed: null, older: [], damaged: [] });
      replication.openedSizes.clear();
      replication.grownFrom.clear();
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

/** A disk that is larger than it was stays what it is up to there. */
function openTarget(
  site: Site,
  { replicationId, disks }: CommandInput<'openTarget'>,
): CommandOutput<'openTarget'> {
  const replication = site.replication(replicationId);
  const { openedSizes, grownFrom, sealed } = replication;
  const { diskSizes } = site.vmOf(replicationId);
  for (const { diskId, sizeBytes: neededBytes } of disks) {
    const actualBytes = diskSizes.get(diskId) ?? 0;
    if (actualBytes < neededBytes) {
      throw new FailbackError('FB-JRN-005', { diskId, actualBytes, neededBytes });
    }
    const before = openedSizes.get(diskId) ?? neededBytes;
    if (before < neededBytes && sealed !== null) grownFrom.set(diskId, before);
    openedSizes.set(diskId, neededBytes);
  }
  replication.isOpen = true;
  return { sealedPointId: sealed?.pointId ?? null };
}

/** The snapshot, the command and the master target speak of a disk of one size. */
function refuseOtherSizes(
  snapshots: AzureSnapshots,
  { openedSizes }: SiteReplication,
  { diskId, snapshotName, sizeBytes }: CommandInput<'replicateDisk'>,
): void {
  const actualBytes = snapshots.sizeOf(snapshotName);
  if (actualBytes !== sizeBytes) {
    throw new FailbackError('FB-DATA-002', { actualBytes, neededBytes: sizeBytes });
  }
  const openedBytes = openedSizes.get(diskId) ?? 0;
  if (openedBytes === sizeBytes) return;
  const values = { diskId, actualBytes: openedBytes, neededBytes: sizeBytes };
  throw new FailbackError('FB-JRN-005', values);
}

/** A delta needs the base snapshot and the sealed point that was made from it, as in the real planner. */
function replicateDisk(
  { site, snapshots }: DataPlaneParts,
  input: CommandInput<'replicateDisk'>,
): CommandOutput<'replicateDisk'> {
  const { replicationId, pointId, diskId, snapshotName } = input;
  const replication = site.opened(replicationId);
  const content = snapshots.content(snapshotName);
  refuseOtherSizes(snapshots, replication, input);
  const repair = input.repair?.map((range) => ({ diskId, ...range })) ?? null;
  const { mode, reason } = planOf(snapshots, replication, input);
  replication.staged.set(diskId, { pointId, content, mode, repair });
  const changedBytes = changedBytesOf(mode, content - (replication.sealed?.source ?? 0), repair);
  return {
    mode,
    modeReason: reason,
    changedBytes,
    zeroBytes: 0,
    readBytes: mode === 'delta' ? changedBytes : DISK_BYTES,
    sentBytes: changedBytes,
    wireBytes: Math.ceil(changedBytes / 2),
    durationMs: 1_000,
    resumeCount: 0,
  };
}

function planOf(
  snapshots: AzureSnapshots,
  { sealed, grownFrom }: SiteReplication,
  { diskId, sizeBytes, mode: asked, repair, baseSnapshotName: base }: CommandInput<'replicateDisk'>,
): { readonly mode: ReplicationMode; readonly reason: string } {
  if (repair !== undefined) return { mode: 'delta', reason: `repair of ${repair.length} blocks` };
  if (asked === 'full' || asked === 'checksum') return { mode: asked, reason: 'asked for' };
  const fromBytes = grownFrom.get(diskId);
  if (fromBytes !== undefined) {
    const reason = `resynchronization: the disk grew from ${fromBytes} to ${sizeBytes} bytes in Azure`;
    return { mode: 'checksum', reason };
  }
  const isTrusted =
    base !== undefined &&
    snapshots.names.includes(base) &&
    sealed?.source === snapshots.content(base);
  if (isTrusted) return { mode: 'delta', reason: `base ${base} is trusted` };
  return { mode: 'full', reason: 'no base is known' };
}

function changedBytesOf(
  mode: ReplicationMode,
  difference: number,
  repair: readonly DiskRange[] | null,
): number {
  if (repair !== null) return repair.reduce((sum, { length }) => sum + length, 0);
  return mode === 'full' ? DISK_BYTES : difference;
}

/** All disks of one point become what the VM's disks hold, or none. */
function seal(
  { site, timers }: DataPlaneParts,
  input: CommandInput<'sealRecoveryPoint'>,
): CommandOutput<'sealRecoveryPoint'> {
  const { replicationId, pointId, takenAt, consistency } = input;
  const replication = site.opened(replicationId);
  const sealedAt = timers.now().toISOString();
  if (replication.sealed?.pointId === pointId) {
    return { sealedAt, appliedBytes: 0, retainedPointIds: retainedPointIds(replication) };
  }
  const staged = stagedDisks(replication, input);
  const vm = site.vmOf(replicationId);
  if (vm.disksAt !== 'masterTarget' || vm.writes.isRunning) {
    throw new FailbackError('FB-SITE-004', { vmName: vm.name });
  }
  refuseForeignBytes(site, staged);
  const source = sourceAfter(replication, staged);
  replication.damaged = site.damageAfterWriting(damageLeft(replication, staged));
  const before = replication.sealed === null ? [] : [replication.sealed];
  replication.older = retained([...replication.older, ...before], site.retainedPoints, input);
  replication.sealed = { pointId, takenAt, consistency, source };
  for (const diskId of input.diskIds) replication.grownFrom.delete(diskId);
  replication.staged.clear();
  site.apply(replication);
  return { sealedAt, appliedBytes: DISK_BYTES, retainedPointIds: retainedPointIds(replication) };
}

/** The point that is made by the seal is one of those that are kept. */
function retained(
  older: SiteReplication['older'],
  points: number,
  { keepPointId }: CommandInput<'sealRecoveryPoint'>,
): SiteReplication['older'] {
  const first = Math.max(0, older.length + 1 - points);
  const pinned = older.findIndex(({ pointId }) => pointId === keepPointId);
  return older.slice(pinned === -1 ? first : Math.min(first, pinned));
}

function stagedDisks(
  replication: SiteReplication,
  { pointId, diskIds }: CommandInput<'sealRecoveryPoint'>,
): readonly StagedDisk[] {
  return diskIds.map((diskId) => {
    const disk = replication.staged.get(diskId);
    if (disk?.pointId === pointId) return disk;
    throw new FailbackError('FB-JRN-002', { diskId, pointId, reason: 'it was not received' });
  });
}

/** A delta is built on what lies on the disk; blocks that both sides compared are not. */
function refuseForeignBytes(site: Site, staged: readonly StagedDisk[]): void {
  if (!site.isWrittenByOthers) return;
  if (staged.some(({ mode }) => mode === 'delta')) {
    throw new FailbackError('FB-JRN-008', { diskId: 'os', offset: 0 });
  }
  site.isWrittenByOthers = false;
}

/** A repair brings the disks to no other instant. */
function sourceAfter({ sealed }: SiteReplication, staged: readonly StagedDisk[]): number {
  if (staged.some(({ repair }) => repair === null)) {
    return Math.max(...staged.map(({ content }) => content));
  }
  return sealed?.source ?? 0;
}

/** Blocks that were read from another instant than the disks stand at are as wrong as those before. */
function damageLeft(
  { sealed, damaged }: SiteReplication,
  staged: readonly StagedDisk[],
): readonly DiskRange[] {
  if (staged.every(({ mode }) => mode !== 'delta')) return [];
  const repaired = staged
    .filter(({ content }) => content === sealed?.source)
    .flatMap(({ repair }) => repair ?? []);
  return damaged.filter((range) => !repaired.some((each) => isDeepStrictEqual(each, range)));
}

function retainedPointIds({ older, sealed }: SiteReplication): string[] {
  return [...older, ...(sealed === null ? [] : [sealed])].map(({ pointId }) => pointId);
}

/** The disks hold again what they held at that point; the newer points are gone. */
function rewind(
  site: Site,
  { replicationId, pointId }: CommandInput<'rewindToPoint'>,
): CommandOutput<'rewindToPoint'> {
  const replication = site.opened(replicationId);
  const points = [
    ...replication.older,
    ...(replication.sealed === null ? [] : [replication.sealed]),
  ];
  const index = points.findIndex((point) => point.pointId === pointId);
  const point = points[index];
  if (point === undefined) {
    throw new FailbackError('FB-JRN-009', { pointId, reason: 'it is not retained any more' });
  }
  replication.older = points.slice(0, index);
  replication.sealed = point;
  site.apply(replication);
  return { takenAt: point.takenAt, consistency: point.consistency };
}

function verifyDisks(
  site: Site,
  { replicationId, pointId, sampleShare }: CommandInput<'verifyDisks'>,
): CommandOutput<'verifyDisks'> {
  const replication = site.opened(replicationId);
  const { sealed, damaged } = replication;
  if (sealed?.pointId !== pointId) {
    throw new FailbackError('FB-JRN-006', { pointId, diskId: 'all' });
  }
  replication.isVerified =
    damaged.length === 0 && site.vmOf(replicationId).writes.content === sealed.source;
  return {
    comparedShare: sampleShare,
    blocksCompared: Math.ceil((DISK_BYTES / BLOCK_BYTES) * sampleShare),
    bytesCompared: Math.ceil(DISK_BYTES * sampleShare),
    mismatches: damaged.map((range) => ({ ...range })),
    sizes: Object.fromEntries(replication.openedSizes),
  };
}
