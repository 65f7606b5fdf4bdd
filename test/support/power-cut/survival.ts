import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import { must } from '../must.ts';
import type { JournalCode } from './journal-code.ts';
import { codeOf, diskFile, type Machine, machineAt } from './machine.ts';
import type { ModelPoint, Transfer } from './transfer.ts';

type Lists = readonly (readonly ModelPoint[])[];

/** The command that was cut off, as it comes again. */
interface Repeat {
  readonly run: (machine: Machine) => Promise<void>;
  /** Retained points when it is done. */
  readonly ends: Lists;
}

/** What has to be there after a power cut at this moment. */
export interface Expected {
  /** Retained points, oldest first: what they were before the work that goes on, or are after a part of it. */
  readonly allowed: Lists;
  /** Of those, what retention lets go while no new journal fits: the disks go there, or it is said that they cannot. */
  readonly leaving: readonly string[];
  /** Somebody goes back to it. */
  readonly pinned: string | null;
  /** Newest point that was sealed, which is what Azure holds; `null` before the first. */
  readonly azure: ModelPoint | null;
  /** Can be resumed. */
  readonly transfer: Transfer | null;
  readonly repeat: Repeat | null;
  /** Whether the replication itself may not be there, and what of it may lie there then. */
  readonly whenGone: 'must be there' | 'nothing is left' | 'not made yet';
  /** It was reported as forgotten. */
  readonly isForgotten: boolean;
}

/** Recovers as the program does, and looks at everything that must hold. Uses up what lies in the folder. */
export async function expectSurvival(
  code: JournalCode,
  root: string,
  expected: Expected,
  isRepeated = expected.transfer !== null,
): Promise<void> {
  const machine = machineAt(code, root);
  const left = await recover(machine, expected);
  if (left === null) return;
  const azureOf = (points: readonly ModelPoint[]): ModelPoint | null => {
    const { transfer, azure } = expected;
    const isSealed = points.some(({ pointId }) => pointId === transfer?.point.pointId);
    return isSealed ? (transfer?.point ?? null) : azure;
  };
  await expectAt(machine, { points: left, azure: azureOf(left) });
  const { repeat, leaving } = expected;
  if (!isRepeated || repeat === null) {
    await walkBack(machine, { points: left, azure: azureOf(left) }, leaving);
    return;
  }
  await repeat.run(machine);
  const points = await pointsOf(machine.folder, repeat.ends);
  const after = { points, azure: azureOf(points) };
  await expectAt(machine, after);
  await walkBack(machine, after, []);
}

/** The points that are retained, `null` when there is no replication. Brings the disks to the newest. */
export async function recover(
  { code, folder }: Machine,
  { allowed, pinned, whenGone, isForgotten }: Expected,
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
  await code.standAtPoint(folder);
  const points = await pointsOf(folder, allowed);
  if (pinned !== null && !points.some(({ pointId }) => pointId === pinned)) {
    throw new Error(`${pinned} is gone, and somebody goes back to it`);
  }
  return points;
}

/** Which of these lists the journal holds. */
export async function pointsOf(
  folder: ReplicationFolder,
  allowed: Lists,
): Promise<readonly ModelPoint[]> {
  const idsOf = (points: readonly { readonly pointId: string }[]): string =>
    points.map(({ pointId }) => pointId).join(' ');
  const found = idsOf((await folder.journal()).points);
  const points = allowed.find((each) => idsOf(each) === found);
  if (points === undefined) throw new Error(`the journal holds "${found}"`);
  return points;
}

interface Standing {
  readonly points: readonly ModelPoint[];
  readonly azure: ModelPoint | null;
}

async function walkBack(
  machine: Machine,
  { points, azure }: Standing,
  leaving: readonly string[],
): Promise<void> {
  for (let left = points.length - 1; left > 0; left -= 1) {
    const older = points.slice(0, left);
    const { pointId } = must(older.at(-1), 'a point');
    try {
      await machine.code.rewindTo(machine.folder, pointId);
    } catch (error) {
      if (!leaving.includes(pointId) || codeOf(error) !== 'FB-JRN-009') throw error;
      // Said before anything is touched.
      await expectAt(machine, { points: points.slice(0, left + 1), azure });
      return;
    }
    await expectAt(machine, { points: older, azure });
  }
}

/** Every disk at the newest point, the manifests true, and what is known of Azure as well. */
async function expectAt(
  { code, folder, root }: Machine,
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
