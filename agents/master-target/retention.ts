import { rm } from 'node:fs/promises';
import type { Journal, SealedPoint } from './journal-records.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import { isFull } from './storage-error.ts';

/** How many recovery points are kept, and for how long. The newest one always is. */
export interface RetentionPolicy {
  readonly maxPoints: number;
  readonly maxAgeHours: number;
}

const HOUR_MS = 3600_000;

interface Retention extends RetentionPolicy {
  /** Stays, however many came after it and however old it is; with it those, which are the way back to it. */
  readonly keepPointId?: string | undefined;
}

/** Forgets points that are too many or too old. Called when the disks stand at the newest one. */
export async function retain(
  folder: ReplicationFolder,
  retention: Retention,
  now: Date,
): Promise<Journal> {
  const journal = await folder.durableJournal();
  const points = staying(journal.points, retention, now);
  const kept: Journal = { ...journal, points: [...points] };
  const isChanged =
    points.length < journal.points.length || journal.points[0]?.hasUndo !== points[0]?.hasUndo;
  const isWritten = !isChanged || (await hasRoomFor(folder.writeJournal(kept)));
  await removeFiles(folder, kept);
  // Cut off in between, a point is listed whose files are gone: a rewind looks for them before it begins.
  if (!isWritten) await folder.writeJournal(kept);
  return kept;
}

/**
 * What the volume can give back to somebody who waits for room on it: points that retention lets go anyhow, and what
 * was made of points that never came to be sealed.
 */
export async function makeRoom(folder: ReplicationFolder, retention: Retention): Promise<void> {
  // What is pending needs files of points that the journal does not name, or not any more.
  if ((await folder.journal()).pending !== null) return;
  try {
    await retain(folder, retention, new Date());
  } catch (error) {
    // Not even a new journal fits: then there was nothing to give back.
    if (!isFull(error)) throw error;
  }
}

/**
 * After the commit nobody goes back: of the journal only the record of the newest point stays. Touches no disk, because
 * the VM has them by then. Returns the number of points that went.
 */
export async function forgetOlderPoints(folder: ReplicationFolder): Promise<number> {
  const { points, pending } = await folder.journal();
  if (pending !== null) return 0;
  const newest = { maxPoints: 1, maxAgeHours: Number.POSITIVE_INFINITY };
  const kept = await retain(folder, newest, new Date());
  await folder.clearStaged();
  return points.length - kept.points.length;
}

/** A volume without a free byte has no room for a new journal either. */
async function hasRoomFor(writing: Promise<void>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if (!isFull(error)) throw error;
    return false;
  }
}

/** The one place that decides what may go: always the oldest, because the newer ones are the way back to a point. */
function staying(
  points: readonly SealedPoint[],
  { maxPoints, maxAgeHours, keepPointId }: Retention,
  now: Date,
): readonly SealedPoint[] {
  const oldest = now.getTime() - maxAgeHours * HOUR_MS;
  const isKept = ({ pointId, takenAt }: SealedPoint, age: number): boolean =>
    age === 0 || pointId === keepPointId || (age < maxPoints && Date.parse(takenAt) >= oldest);
  const first = points.findIndex((point, index) => isKept(point, points.length - 1 - index));
  const [start, ...rest] = points.slice(Math.max(0, first));
  // The way back from the first point that stays led to one that does not.
  return start === undefined ? [] : [{ ...start, hasUndo: false }, ...rest];
}

/** Points that do not stay, digests that are in the manifest by now, and undo that leads nowhere. */
async function removeFiles(folder: ReplicationFolder, { points }: Journal): Promise<void> {
  const known = new Set(points.map(({ pointId }) => pointId));
  for (const pointId of await folder.pointFolders()) {
    if (!known.has(pointId)) await folder.removePoint(pointId);
  }
  for (const { diskId } of await folder.disks()) {
    for (const { pointId, hasUndo } of points) {
      await rm(folder.nextDigestsFile(pointId, diskId), { force: true });
      if (!hasUndo) await rm(folder.undoFile(pointId, diskId), { force: true });
    }
  }
}
