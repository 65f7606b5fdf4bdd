import { basename } from 'node:path';
import { FRAME } from '../../shared/contracts/transfer-protocol.ts';
import { sizeIfThere } from './durable-file.ts';
import { DamagedFile, readFrames } from './frame-file.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import type { Journal, PendingRewind, SealedPoint } from './journal-records.ts';
import type { ChangeFrame } from './sinks.ts';

interface PointFile {
  /** Bytes that were made durable; absent in points of an earlier version, where what lies there has to do. */
  readonly length: number | undefined;
  /** False for a disk that came into the replication later. */
  readonly isNeeded: boolean;
}

/** A file that was made whole before its point was sealed. Throws DamagedFile, also when it is needed and not there. */
export async function* pointFrames(
  file: string,
  { length, isNeeded }: PointFile,
): AsyncGenerator<ChangeFrame> {
  const size = await sizeIfThere(file);
  if (size === null) {
    if (isNeeded) throw new DamagedFile(`${basename(file)} is not there any more`);
    return;
  }
  for await (const frame of readFrames(file, length ?? size)) {
    if (frame.type !== FRAME.checkpoint && frame.type !== FRAME.finish) yield frame;
  }
}

/** The undo of one disk that leads to the journal's last point, in the order in which it is to be written. */
export async function* undoFrames(
  folder: ReplicationFolder,
  diskId: string,
  { points, pending }: WayBack,
): AsyncGenerator<ChangeFrame> {
  const isNeeded = points.at(-1)?.snapshotNames[diskId] !== undefined;
  for (const pointId of pending.undo) {
    const length = pending.undoLengths?.[pointId]?.[diskId];
    yield* pointFrames(folder.undoFile(pointId, diskId), { length, isNeeded });
  }
}

/** A journal that says: the disks go back. */
export interface WayBack extends Journal {
  readonly pending: PendingRewind;
}

/** The journal that takes the disks back to the last of `kept`; `null` where no undo leads there. */
export function wayBack(
  kept: readonly SealedPoint[],
  newer: readonly SealedPoint[],
): WayBack | null {
  if (kept.length === 0 || !newer.every(({ hasUndo }) => hasUndo)) return null;
  const lengths = newer.map(({ pointId, undoLengths = {} }) => [pointId, undoLengths] as const);
  const undo = newer.map(({ pointId }) => pointId).toReversed();
  const undoLengths = Object.fromEntries(lengths);
  return { points: [...kept], pending: { kind: 'rewind', undo, undoLengths } };
}

/**
 * Reads all undo through, so that nothing is begun that cannot arrive: on the way, the disks are at no point at all.
 * Throws DamagedFile.
 */
export async function expectWhole(folder: ReplicationFolder, way: WayBack): Promise<void> {
  for (const { diskId } of await folder.disks()) {
    const frames = undoFrames(folder, diskId, way);
    while ((await frames.next()).done !== true);
  }
}
