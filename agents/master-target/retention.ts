import { rm } from 'node:fs/promises';
import type { Journal, SealedPoint } from './journal-records.ts';
import type { ReplicationFolder } from './replication-folder.ts';

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
  { maxPoints, maxAgeHours, keepPointId }: Retention,
  now: Date,
): Promise<Journal> {
  const journal = await folder.journal();
  const oldest = now.getTime() - maxAgeHours * HOUR_MS;
  const isKept = ({ pointId, takenAt }: SealedPoint, age: number): boolean =>
    age === 0 || pointId === keepPointId || (age < maxPoints && Date.parse(takenAt) >= oldest);
  const first = journal.points.findIndex((point, index) =>
    isKept(point, journal.points.length - 1 - index),
  );
  const [start, ...rest] = journal.points.slice(first);
  if (start === undefined) return journal;
  // The way back from the first point that stays led to one that does not.
  const kept: Journal = { ...journal, points: [{ ...start, hasUndo: false }, ...rest] };
  if (first > 0 || start.hasUndo) await folder.writeJournal(kept);
  const known = new Set(kept.points.map(({ pointId }) => pointId));
  for (const pointId of await folder.pointFolders()) {
    if (!known.has(pointId)) await folder.removePoint(pointId);
  }
  await removeSpentFiles(folder, kept);
  return kept;
}

/** Digests that are in the manifest by now, and undo that leads nowhere. */
async function removeSpentFiles(folder: ReplicationFolder, { points }: Journal): Promise<void> {
  for (const { diskId } of await folder.disks()) {
    for (const { pointId, hasUndo } of points) {
      await rm(folder.nextDigestsFile(pointId, diskId), { force: true });
      if (!hasUndo) await rm(folder.undoFile(pointId, diskId), { force: true });
    }
  }
}
