import { dirname } from 'node:path';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { applyPending } from './apply.ts';
import { copyWhole, sizeIfThere, syncFolder } from './durable-file.ts';
import type { SealedPoint } from './journal-records.ts';
import type { ReplicationFolder } from './replication-folder.ts';

/** Takes the disks back to an older point: what each newer one overwrote is written back, newest first. */
export async function rewindTo(
  folder: ReplicationFolder,
  pointId: string,
): Promise<CommandOutput<'rewindToPoint'>> {
  await applyPending(folder);
  const { points } = await folder.journal();
  const index = points.findIndex((point) => point.pointId === pointId);
  const wanted = points[index];
  const newer = points.slice(index + 1);
  if (wanted === undefined || !newer.every(({ hasUndo }) => hasUndo)) {
    throw new FailbackError('FB-JRN-009', { pointId });
  }
  // Before anything is changed: what is missing later would keep the disks between two points.
  for (const { diskId } of await folder.disks()) {
    if (wanted.snapshotNames[diskId] === undefined) continue;
    for (const each of newer) {
      const isThere = (await sizeIfThere(folder.undoFile(each.pointId, diskId))) !== null;
      if (!isThere) throw new FailbackError('FB-JRN-009', { pointId });
    }
  }
  if (newer.length > 0) await goBack(folder, points.slice(0, index + 1), newer);
  return { takenAt: wanted.takenAt, consistency: wanted.consistency };
}

async function goBack(
  folder: ReplicationFolder,
  kept: readonly SealedPoint[],
  newer: readonly SealedPoint[],
): Promise<void> {
  // The newest point is what the source held at its end, and what the replica in Azure starts from.
  for (const { diskId } of await folder.disks()) {
    const remembered = folder.replicaManifestFile(diskId);
    const isRemembered = (await sizeIfThere(remembered)) !== null;
    if (!isRemembered) await copyWhole(folder.manifestFile(diskId), remembered);
    // By an attempt that may not have come so far as to make its name durable.
    else await syncFolder(dirname(remembered));
  }
  const undo = newer.map(({ pointId }) => pointId).toReversed();
  await folder.writeJournal({ points: [...kept], pending: { kind: 'rewind', undo } });
  await applyPending(folder, 'first');
  for (const pointId of undo) await folder.removePoint(pointId);
}
