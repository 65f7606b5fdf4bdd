import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { z } from 'zod';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { ifThere, renameOver, replaceFile, sizeIfThere, syncFolder } from './durable-file.ts';
import {
  type DiskRecord,
  type Journal,
  journalSchema,
  replicationSchema,
  type StagedDisk,
  stagedDiskSchema,
  type StagedLane,
  stagedLaneSchema,
} from './journal-records.ts';

const EMPTY_JOURNAL: Journal = { points: [], pending: null };

/** Of a disk, not of a lane. */
const STAGED_HEAD = /^[^.]+\.json$/;

/** Begins the name of what is no replication; no id of one begins so. */
const NO_ID = '.';
/** Begins the name of a folder that is being deleted. */
const GONE = `${NO_ID}gone-`;

/**
 * Everything about one replication on the retention volume. Records that say what is on the disks are believed whole or
 * not at all (FB-JRN-016); one of `staged` that is damaged counts as not there. Its files:
 *   replication.json          its disks
 *   journal.json              sealed points, and what is being done to the disks: replaced by one rename
 *   staged/<disk>.json        what comes in now, and in which lanes
 *   staged/<disk>.<lane>.json  how far a lane is; <disk>.<lane>.redo what it brought
 *   points/<point>/           <disk>.undo the way back from that point; <disk>.next its new digests
 *   manifests/<disk>.bin      digest of every block at the newest point; <disk>.replica.bin what Azure holds
 */
export class ReplicationFolder {
  readonly folder: string;

  constructor(retentionFolder: string, replicationId: string) {
    this.folder = join(retentionFolder, replicationId);
  }

  async exists(): Promise<boolean> {
    return (await sizeIfThere(join(this.folder, 'replication.json'))) !== null;
  }

  async disks(): Promise<readonly DiskRecord[]> {
    return (await this.#read('replication.json', replicationSchema))?.disks ?? [];
  }

  async isOpen(): Promise<boolean> {
    return (await this.#read('replication.json', replicationSchema))?.isOpen ?? false;
  }

  async writeDisks(disks: readonly DiskRecord[], isOpen: boolean): Promise<void> {
    for (const part of ['staged', 'manifests', 'points']) {
      await mkdir(join(this.folder, part), { recursive: true });
    }
    await syncFolder(dirname(this.folder));
    await replaceFile(join(this.folder, 'replication.json'), JSON.stringify({ disks, isOpen }));
  }

  async journal(): Promise<Journal> {
    return (await this.#read('journal.json', journalSchema)) ?? EMPTY_JOURNAL;
  }

  /** The journal that is there after a power cut, too. To be read before anything that it says is acted on. */
  async durableJournal(): Promise<Journal> {
    await this.settle();
    return this.journal();
  }

  /** Whoever replaced a record may have died, or found no room, before that was durable. */
  async settle(): Promise<void> {
    await ifThere(syncFolder(this.folder));
  }

  async writeJournal(journal: Journal): Promise<void> {
    await replaceFile(join(this.folder, 'journal.json'), JSON.stringify(journal));
  }

  /** `null` before anything came, and where it cannot be told what did: it comes again then. */
  async staged(diskId: string): Promise<StagedDisk | null> {
    return this.#readIfWhole(`staged/${diskId}.json`, stagedDiskSchema);
  }

  async writeStaged(diskId: string, staged: StagedDisk): Promise<void> {
    await replaceFile(join(this.folder, `staged/${diskId}.json`), JSON.stringify(staged));
  }

  /** How far a lane is; the start of it before anything was made durable, and where nobody can say. */
  async stagedLane(diskId: string, lane: number, start: number): Promise<StagedLane> {
    const known = await this.#readIfWhole(`staged/${diskId}.${lane}.json`, stagedLaneSchema);
    return known ?? { watermark: start, redoLength: 0, isFinished: false };
  }

  async writeStagedLane(diskId: string, lane: number, state: StagedLane): Promise<void> {
    await replaceFile(join(this.folder, `staged/${diskId}.${lane}.json`), JSON.stringify(state));
  }

  async clearStaged(): Promise<void> {
    await this.#clear('staged', (name) => STAGED_HEAD.test(name));
    await this.#clear('staged', () => true);
  }

  async clearStagedDisk(diskId: string): Promise<void> {
    // The head goes first, and durably: lanes without one count as nothing, and are not taken for those of the next.
    await this.#clear('staged', (name) => name === `${diskId}.json`);
    await this.#clear('staged', (name) => name.startsWith(`${diskId}.`));
  }

  redoFile(diskId: string, lane: number): string {
    return join(this.folder, `staged/${diskId}.${lane}.redo`);
  }

  async makePoint(pointId: string): Promise<void> {
    const points = join(this.folder, 'points');
    await mkdir(join(points, pointId), { recursive: true });
    await syncFolder(points);
  }

  async removePoint(pointId: string): Promise<void> {
    await rm(join(this.folder, 'points', pointId), { recursive: true, force: true });
  }

  /** What the files of a point take on the volume. */
  async pointBytes(pointId: string): Promise<number> {
    const folder = this.pointFolder(pointId);
    const names = (await ifThere(readdir(folder))) ?? [];
    const files = await Promise.all(names.map(async (name) => stat(join(folder, name))));
    return files.reduce((sum, { size }) => sum + size, 0);
  }

  /** Points that have files, also such that a crash left behind. */
  async pointFolders(): Promise<readonly string[]> {
    return (await ifThere(readdir(join(this.folder, 'points')))) ?? [];
  }

  pointFolder(pointId: string): string {
    return join(this.folder, 'points', pointId);
  }

  undoFile(pointId: string, diskId: string): string {
    return join(this.folder, 'points', pointId, `${diskId}.undo`);
  }

  nextDigestsFile(pointId: string, diskId: string): string {
    return join(this.folder, 'points', pointId, `${diskId}.next`);
  }

  manifestFile(diskId: string): string {
    return join(this.folder, `manifests/${diskId}.bin`);
  }

  /** What the replica in Azure holds, where that is another point than the one the disks stand at. */
  replicaManifestFile(diskId: string): string {
    return join(this.folder, `manifests/${diskId}.replica.bin`);
  }

  /** From a point on that is sealed after a rewind, Azure will hold what the disks do. */
  async forgetReplica(): Promise<void> {
    await this.#clear('manifests', (name) => name.includes('.replica.bin'));
  }

  /** A manifest that another replication of this id left would vouch for blocks of a disk that is blank. */
  async forgetManifest(diskId: string): Promise<void> {
    await this.#clear('manifests', (name) => name.startsWith(`${diskId}.`));
  }

  /** Gone as a whole with one rename: a crash while the files are deleted leaves nothing that could be opened. */
  async remove(): Promise<void> {
    const retentionFolder = dirname(this.folder);
    const gone = `${GONE}${basename(this.folder)}`;
    // An attempt that was cut off, or found no room, may have got as far as the rename.
    await removeRenamed(retentionFolder, [gone]);
    await ifThere(renameOver(this.folder, join(retentionFolder, gone)));
    await removeRenamed(retentionFolder, [gone]);
  }

  async #clear(part: string, isMeant: (name: string) => boolean): Promise<void> {
    const folder = join(this.folder, part);
    const names = ((await ifThere(readdir(folder))) ?? []).filter(isMeant);
    for (const name of names) await rm(join(folder, name), { force: true });
    // Also where nothing is left: whoever removed it may not have come this far.
    await ifThere(syncFolder(folder));
  }

  async #read<S extends z.ZodType>(name: string, schema: S): Promise<z.output<S> | null> {
    const file = join(this.folder, name);
    const text = await ifThere(readFile(file, 'utf8'));
    return text === null ? null : recordOf(file, text, schema);
  }

  /** Of what is on its way, and comes again where nobody knows of it. */
  async #readIfWhole<S extends z.ZodType>(name: string, schema: S): Promise<z.output<S> | null> {
    try {
      return await this.#read(name, schema);
    } catch (error) {
      if (isDamagedRecord(error)) return null;
      throw error;
    }
  }
}

/** Throws FB-JRN-016: what lies on the disks must not be guessed. */
function recordOf<S extends z.ZodType>(file: string, text: string, schema: S): z.output<S> {
  const damaged = (reason: string, cause?: unknown): FailbackError =>
    new FailbackError('FB-JRN-016', { file, reason }, { cause });
  // After a power cut a file can have its length and nothing in it.
  if (/^\0*$/.test(text)) throw damaged('it is empty');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged('it is no JSON', error);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join('.') ?? '';
  throw damaged(`${place === '' ? 'its content' : place} is not what it must be`, parsed.error);
}

export function isDamagedRecord(error: unknown): boolean {
  return error instanceof FailbackError && error.code === 'FB-JRN-016';
}

/** Ids of the replications that the retention volume holds. */
export async function replicationIds(retentionFolder: string): Promise<readonly string[]> {
  return (await readdir(retentionFolder)).filter((name) => !name.startsWith(NO_ID));
}

/** What a crash left of replications that were being forgotten. */
export async function removeForgotten(retentionFolder: string): Promise<void> {
  const names = await readdir(retentionFolder);
  await removeRenamed(
    retentionFolder,
    names.filter((name) => name.startsWith(GONE)),
  );
}

/** Only once the new name is durable: under the old one, a power cut would leave a replication that lacks files. */
async function removeRenamed(retentionFolder: string, names: readonly string[]): Promise<void> {
  if (names.length > 0) await syncFolder(retentionFolder);
  for (const name of names) {
    await rm(join(retentionFolder, name), { recursive: true, force: true });
  }
}
