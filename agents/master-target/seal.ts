import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { FRAME, type TransferFrame } from '../../shared/contracts/transfer-protocol.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { Manifest } from './manifest.ts';
import { readRedo } from './redo-file.ts';
import type {
  DiskRecord,
  ReplicationFolder,
  SealedPoint,
  StagedDisk,
} from './replication-folder.ts';
import { TargetDisk } from './target-disk.ts';

type SealInput = CommandInput<'sealRecoveryPoint'>;

/**
 * verified → sealed → applied. The one rename of sealed.json makes the point of all disks exist; what was
 * staged is then written to the disks, and written again from the start if that is cut off.
 */
export async function sealPoint(
  folder: ReplicationFolder,
  input: SealInput,
): Promise<CommandOutput<'sealRecoveryPoint'>> {
  const sealed = await folder.sealed();
  if (sealed?.pointId === input.pointId) {
    const appliedBytes = await applySealed(folder);
    return { sealedAt: sealed.sealedAt, appliedBytes };
  }
  const staged = await stagedDisks(folder, input);
  for (const [diskId, { redoLength }] of staged) {
    await verifyRedo(folder, { diskId, pointId: input.pointId, length: redoLength });
  }
  const point: SealedPoint = {
    pointId: input.pointId,
    takenAt: input.takenAt,
    sealedAt: new Date().toISOString(),
    consistency: input.consistency,
    snapshotNames: mapOf(staged, ({ snapshotName }) => snapshotName),
    redoLengths: mapOf(staged, ({ redoLength }) => redoLength),
    isApplied: false,
  };
  await folder.writeSealed(point);
  const appliedBytes = await applySealed(folder);
  return { sealedAt: point.sealedAt, appliedBytes };
}

/** Brings the disks to the sealed point, if they are not there yet. Returns the bytes written. */
export async function applySealed(folder: ReplicationFolder): Promise<number> {
  const sealed = await folder.sealed();
  if (sealed === null || sealed.isApplied) return 0;
  let appliedBytes = 0;
  for (const disk of await folder.disks()) {
    const length = sealed.redoLengths[disk.diskId] ?? 0;
    if (length > 0) {
      appliedBytes += await applyDisk(folder, disk, { length, pointId: sealed.pointId });
    }
  }
  await folder.writeSealed({ ...sealed, isApplied: true });
  await folder.clearStaged();
  return appliedBytes;
}

async function stagedDisks(
  folder: ReplicationFolder,
  { pointId, diskIds }: SealInput,
): Promise<ReadonlyMap<string, StagedDisk>> {
  const staged = new Map<string, StagedDisk>();
  for (const diskId of diskIds) {
    const disk = await folder.staged(diskId);
    const reason = whyNotSealable(disk, pointId);
    if (reason !== null) throw new FailbackError('FB-JRN-002', { diskId, pointId, reason });
    if (disk !== null) staged.set(diskId, disk);
  }
  return staged;
}

function whyNotSealable(disk: StagedDisk | null, pointId: string): string | null {
  if (disk === null) return 'nothing was received';
  if (disk.pointId !== pointId) return `what was received belongs to ${disk.pointId}`;
  return disk.isFinished ? null : 'the transfer did not finish';
}

async function verifyRedo(
  folder: ReplicationFolder,
  request: { readonly diskId: string; readonly pointId: string; readonly length: number },
): Promise<void> {
  for await (const frame of readRedo(folder.redoFile(request.diskId), request)) void frame;
}

async function applyDisk(
  folder: ReplicationFolder,
  { diskId, device, sizeBytes }: DiskRecord,
  { length, pointId }: { readonly length: number; readonly pointId: string },
): Promise<number> {
  const disk = await TargetDisk.open(diskId, device, { sizeBytes, isReadOnly: false });
  const manifest = await Manifest.open(folder.manifestFile(diskId), sizeBytes);
  let appliedBytes = 0;
  try {
    for await (const frame of readRedo(folder.redoFile(diskId), { length, diskId, pointId })) {
      appliedBytes += await applyFrame(frame, disk, manifest);
    }
    await disk.sync();
    await manifest.sync();
  } finally {
    await disk.close();
    await manifest.close();
  }
  return appliedBytes;
}

async function applyFrame(
  frame: TransferFrame,
  disk: TargetDisk,
  manifest: Manifest,
): Promise<number> {
  switch (frame.type) {
    case FRAME.data:
      await disk.write(frame.offset, frame.payload);
      return frame.length;
    case FRAME.zero:
      await disk.zero(frame.offset, frame.length);
      // Digests of blocks that are zero only in part come later and win.
      await manifest.setZero(frame.offset, frame.length);
      return frame.length;
    case FRAME.digest:
      await manifest.set(frame.block, frame.digest);
      return 0;
    case FRAME.checkpoint:
    case FRAME.finish:
      return 0;
  }
}

function mapOf<T>(
  staged: ReadonlyMap<string, StagedDisk>,
  pick: (disk: StagedDisk) => T,
): Record<string, T> {
  return Object.fromEntries([...staged].map(([diskId, disk]) => [diskId, pick(disk)]));
}
