import { FRAME } from '../../shared/contracts/transfer-protocol.ts';
import { DamagedFile } from './frame-file.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { fitLastBlock } from './growth.ts';
import type { DiskRecord, Journal } from './journal-records.ts';
import type { Manifest } from './manifest.ts';
import { openDisk } from './open-disk.ts';
import { OpenFiles } from './open-files.ts';
import { expectWhole, pointFrames, undoFrames, type WayBack, wayBack } from './point-files.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import type { ChangeFrame } from './sinks.ts';
import { stagedChanges } from './staged-changes.ts';
import type { TargetDisk } from './target-disk.ts';

type Attempt = 'first' | 'again';

interface Place {
  readonly disk: TargetDisk;
  readonly manifest: Manifest;
  readonly attempt: Attempt;
}

/**
 * Brings the disks to the newest point of the journal, if they are not there yet. Each step writes the same
 * bytes again when it is cut off and repeated; only whoever has just written the journal can know that it was
 * not begun before. Returns the bytes written.
 *
 * Throws FB-JRN-002 where what the point is made of turns out to be damaged. Where there is undo, the disks are then back
 * at the point before, and this one does not exist any more: it was never reported as sealed, and is sent again.
 */
export async function applyPending(
  folder: ReplicationFolder,
  attempt: Attempt = 'again',
): Promise<number> {
  const isOurs = attempt === 'first';
  const journal = await (isOurs ? folder.journal() : folder.durableJournal());
  if (journal.pending === null) return 0;
  try {
    return await bringAllThere(folder, journal, attempt);
  } catch (error) {
    const way = isDamage(error) ? await wayOut(folder, journal) : null;
    if (way === null) throw error;
    await folder.writeJournal(way);
    await bringAllThere(folder, way, 'again');
    for (const pointId of way.pending.undo) await folder.removePoint(pointId);
    throw error;
  }
}

/** For whoever can go on wherever the disks stand, once that is a sealed point. */
export async function standAtPoint(folder: ReplicationFolder): Promise<void> {
  try {
    await applyPending(folder);
  } catch (error) {
    if (!isDamage(error) || (await folder.journal()).pending !== null) throw error;
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof FailbackError && error.code === 'FB-JRN-002';
}

/** Back to the point before the newest, which cannot be reached; `null` where that cannot be reached either. */
async function wayOut(
  folder: ReplicationFolder,
  { points, pending }: Journal,
): Promise<WayBack | null> {
  const way = pending?.kind === 'apply' ? wayBack(points.slice(0, -1), points.slice(-1)) : null;
  if (way === null) return null;
  try {
    await expectWhole(folder, way);
    return way;
  } catch (error) {
    if (error instanceof DamagedFile) return null;
    throw error;
  }
}

async function bringAllThere(
  folder: ReplicationFolder,
  journal: Journal,
  attempt: Attempt,
): Promise<number> {
  let writtenBytes = 0;
  for (const disk of await folder.disks()) {
    writtenBytes += await bringThere(folder, disk, { journal, attempt });
  }
  // With the point, Azure holds what the disks do. Not before: were the point never sealed, it would not.
  if (journal.pending?.kind === 'apply') await folder.forgetReplica();
  await folder.writeJournal({ ...journal, pending: null });
  await folder.clearStaged();
  return writtenBytes;
}

async function bringThere(
  folder: ReplicationFolder,
  record: DiskRecord,
  { journal, attempt }: { readonly journal: Journal; readonly attempt: Attempt },
): Promise<number> {
  const files = new OpenFiles();
  let writtenBytes = 0;
  try {
    const { disk, manifest } = await openDisk(files, folder, { record, isReadOnly: false });
    const at = { disk, manifest, attempt };
    for await (const frame of changesOf(folder, record.diskId, journal)) {
      writtenBytes += await write(frame, at);
    }
    if (journal.pending?.kind === 'rewind') await fitToGrowth(at, record);
    await disk.sync();
    await manifest.sync();
  } finally {
    await files.close();
  }
  return writtenBytes;
}

/** What was saved of a disk that was smaller then vouches for its last block as that was. */
async function fitToGrowth(at: Place, { growth = [], sizeBytes }: DiskRecord): Promise<void> {
  for (const { fromBytes } of growth) await fitLastBlock(at, { fromBytes, sizeBytes });
}

/** What brings a disk to the newest point. Throws FB-JRN-002. */
async function* changesOf(
  folder: ReplicationFolder,
  diskId: string,
  { points, pending }: Journal,
): AsyncGenerator<ChangeFrame> {
  const point = points.at(-1);
  if (pending === null || point === undefined) return;
  const { pointId, snapshotNames } = point;
  try {
    if (pending.kind === 'rewind') {
      yield* undoFrames(folder, diskId, { points, pending });
      return;
    }
    const redoLengths = pending.redoLengths[diskId] ?? [];
    for await (const frame of stagedChanges(folder, { diskId, pointId, redoLengths })) {
      // Digests of compared blocks are among the next digests, too.
      if (frame.type !== FRAME.same) yield frame;
    }
    // A disk that came into the replication later has nothing of the point, and the first point of all went to the
    // disk itself, with its digests.
    const isNeeded = snapshotNames[diskId] !== undefined && points.length > 1;
    const length = pending.nextLengths?.[diskId];
    yield* pointFrames(folder.nextDigestsFile(pointId, diskId), { length, isNeeded });
  } catch (error) {
    if (!(error instanceof DamagedFile)) throw error;
    const values = { diskId, pointId, reason: error.message };
    throw new FailbackError('FB-JRN-002', values, { cause: error });
  }
}

async function write(frame: ChangeFrame, { disk, manifest, attempt }: Place): Promise<number> {
  switch (frame.type) {
    case FRAME.data:
      await disk.write(frame.offset, frame.payload);
      return frame.length;
    case FRAME.zero:
      // Zeros of an earlier attempt may be in the kernel's cache only.
      if (attempt === 'first') await disk.zero(frame.offset, frame.length);
      else await disk.writeZeros(frame.offset, frame.length);
      return frame.length;
    case FRAME.same:
      await manifest.set(frame.block, frame.digest);
      return 0;
  }
}
