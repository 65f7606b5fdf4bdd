import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import { must } from '../must.ts';
import type { JournalCode } from './journal-code.ts';
import { type ModelPoint, REPLICATION_ID, send, type Transfer } from './transfer.ts';

export const MAX_POINTS = 3;

/** What has to be there after a power cut at this moment. */
export interface Expected {
  /** Retained points, oldest first: what they were before the work that goes on, or are after a part of it. */
  readonly allowed: readonly (readonly ModelPoint[])[];
  /** Newest point that was sealed, which is what Azure holds; `null` before the first. */
  readonly azure: ModelPoint | null;
  /** Can be resumed. */
  readonly transfer: Transfer | null;
  /** Whether the replication itself may not be there, and what of it may lie there then. */
  readonly whenGone: 'must be there' | 'nothing is left' | 'not made yet';
  /** It was reported as forgotten. */
  readonly isForgotten: boolean;
}

export const folderIn = (code: JournalCode, root: string): ReplicationFolder =>
  new code.ReplicationFolder(join(root, 'retention'), REPLICATION_ID);

export const diskFile = (root: string, diskId: string): string => join(root, `${diskId}.raw`);

/** Recovers as the program does, and looks at everything that must hold. Uses up what lies in the folder. */
export async function expectSurvival(
  code: JournalCode,
  root: string,
  expected: Expected,
): Promise<void> {
  const folder = folderIn(code, root);
  const points = await recover(code, folder, expected);
  if (points === null) return;
  const { transfer } = expected;
  const isSealed = points.some(({ pointId }) => pointId === transfer?.point.pointId);
  const azure = isSealed ? (transfer?.point ?? null) : expected.azure;
  const place = { folder, root };
  await expectAt(code, place, { points, azure });
  if (transfer === null || isSealed) {
    await walkBack(code, place, { points, azure });
    return;
  }
  await send(code, folder, transfer);
  await seal(code, folder, transfer);
  const after = { points: [...points, transfer.point].slice(-MAX_POINTS), azure: transfer.point };
  await expectAt(code, place, after);
  await walkBack(code, place, after);
}

/** The points that are retained, `null` when there is no replication. Brings the disks to the newest. */
export async function recover(
  code: JournalCode,
  folder: ReplicationFolder,
  { allowed, whenGone, isForgotten }: Expected,
): Promise<readonly ModelPoint[] | null> {
  await code.removeForgotten(join(folder.folder, '..'));
  if (!(await folder.exists())) {
    if (whenGone === 'must be there') throw new Error('the replication is gone');
    if (whenGone === 'nothing is left' && existsSync(folder.folder)) {
      throw new Error('a part of the replication is left');
    }
    return null;
  }
  if (isForgotten) throw new Error('what was forgotten is there again');
  await code.applyPending(folder);
  return pointsOf(folder, allowed);
}

/** Which of the allowed lists the journal holds. */
export async function pointsOf(
  folder: ReplicationFolder,
  allowed: Expected['allowed'],
): Promise<readonly ModelPoint[]> {
  const idsOf = (points: readonly { readonly pointId: string }[]): string =>
    points.map(({ pointId }) => pointId).join(' ');
  const found = idsOf((await folder.journal()).points);
  const points = allowed.find((each) => idsOf(each) === found);
  if (points === undefined) throw new Error(`the journal holds "${found}"`);
  return points;
}

export async function seal(
  code: JournalCode,
  folder: ReplicationFolder,
  { point, disks }: Transfer,
): Promise<void> {
  const { signal } = new AbortController();
  const retention = { maxPoints: MAX_POINTS, maxAgeHours: 24 };
  await code.sealPoint(
    { folder, retention, signal, onBytes: () => undefined },
    {
      replicationId: REPLICATION_ID,
      pointId: point.pointId,
      diskIds: disks.map(({ diskId }) => diskId),
      takenAt: new Date().toISOString(),
      consistency: 'crashConsistent',
    },
  );
}

interface Place {
  readonly folder: ReplicationFolder;
  readonly root: string;
}

interface Standing {
  readonly points: readonly ModelPoint[];
  readonly azure: ModelPoint | null;
}

async function walkBack(
  code: JournalCode,
  place: Place,
  { points, azure }: Standing,
): Promise<void> {
  for (let left = points.length - 1; left > 0; left -= 1) {
    const older = points.slice(0, left);
    await code.rewindTo(place.folder, must(older.at(-1), 'a point').pointId);
    await expectAt(code, place, { points: older, azure });
  }
}

/** Every disk at the newest point, the manifests true, and what is known of Azure as well. */
async function expectAt(
  code: JournalCode,
  { folder, root }: Place,
  { points, azure }: Standing,
): Promise<void> {
  const point = points.at(-1);
  if (point === undefined || azure === null) return;
  const { pointId } = point;
  for (const [diskId, content] of point.contents) {
    if (!readFileSync(diskFile(root, diskId)).equals(content)) {
      throw new Error(`${diskId} is not at ${pointId}`);
    }
    await expectKnown(code, folder, { diskId, content: must(azure.contents.get(diskId), diskId) });
  }
  const { signal } = new AbortController();
  const options = { folder, pointId, sampleShare: 1, signal, onBytes: () => undefined };
  const { mismatches } = await code.verifyDisks(options);
  if (mismatches.length > 0) throw new Error(`a manifest is not at ${pointId}`);
}

/** The way back must not take a block for the same that Azure holds otherwise. */
async function expectKnown(
  code: JournalCode,
  folder: ReplicationFolder,
  { diskId, content }: { readonly diskId: string; readonly content: Buffer },
): Promise<void> {
  const remembered = folder.replicaManifestFile(diskId);
  const file = existsSync(remembered) ? remembered : folder.manifestFile(diskId);
  const manifest = await code.Manifest.open(file, content.length, 'unknown');
  try {
    const entries = await manifest.read(0, Math.ceil(content.length / BLOCK_BYTES));
    for (const [block, entry] of entries.entries()) {
      const bytes = content.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
      if (!code.isSame(entry, bytes)) throw new Error(`Azure does not hold ${diskId} as noted`);
    }
  } finally {
    await manifest.close();
  }
}
