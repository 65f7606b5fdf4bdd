import { dirname } from 'node:path';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { applyPending, standAtPoint } from './apply.ts';
import { copyWhole, sizeIfThere, syncFolder } from './durable-file.ts';
import { DamagedFile } from './frame-file.ts';
import { expectWhole, type WayBack, wayBack } from './point-files.ts';
import type { ReplicationFolder } from './replication-folder.ts';

/** Takes the disks back to an older point: what each newer one overwrote is written back, newest first. */
export async function rewindTo(
  folder: ReplicationFolder,
  pointId: string,
): Promise<CommandOutput<'rewindToPoint'>> {
  await standAtPoint(folder);
  const { points } = await folder.journal();
  const index = points.findIndex((point) => point.pointId === pointId);
  const wanted = points[index];
  const newer = points.slice(index + 1);
  const way = wayBack(points.slice(0, index + 1), newer);
  if (wanted === undefined || way === null) {
    throw new FailbackError('FB-JRN-009', { pointId, reason: 'it is not retained any more' });
  }
  if (newer.length > 0) await goBack(folder, pointId, way);
  return { takenAt: wanted.takenAt, consistency: wanted.consistency };
}

async function goBack(folder: ReplicationFolder, pointId: string, way: WayBack): Promise<void> {
  await expectWhole(folder, way).catch((error: unknown) => {
    if (!(error instanceof DamagedFile)) throw error;
    const reason = `what leads there is damaged: ${error.message}`;
    throw new FailbackError('FB-JRN-009', { pointId, reason }, { cause: error });
  });
  // The newest point is what the source held at its end, and what the replica in Azure starts from.
  for (const { diskId } of await folder.disks()) {
    const remembered = folder.replicaManifestFile(diskId);
    const isRemembered = (await sizeIfThere(remembered)) !== null;
    if (!isRemembered) await copyWhole(folder.manifestFile(diskId), remembered);
    // By an attempt that may not have come so far as to make its name durable.
    else await syncFolder(dirname(remembered));
  }
  await folder.writeJournal(way);
  await applyPending(folder, 'first');
  for (const undone of way.pending.undo) await folder.removePoint(undone);
}
