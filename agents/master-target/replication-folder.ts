import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { replaceFile, syncFolder } from './durable-file.ts';
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

/**
 * Everything about one replication on the retention volume:
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

  get exists(): boolean {
    return existsSync(join(this.folder, 'replication.json'));
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

  async writeJournal(journal: Journal): Promise<void> {
    await replaceFile(join(this.folder, 'journal.json'), JSON.stringify(journal));
  }

  async staged(diskId: string): Promise<StagedDisk | null> {
    return this.#read(`staged/${diskId}.json`, stagedDiskSchema);
  }

  async writeStaged(diskId: string, staged: StagedDisk): Promise<void> {
    await replaceFile(join(this.folder, `staged/${diskId}.json`), JSON.stringify(staged));
  }

  /** How far a lane is; the start of it before anything was made durable. */
  async stagedLane(diskId: string, lane: number, start: number): Promise<StagedLane> {
    const known = await this.#read(`staged/${diskId}.${lane}.json`, stagedLaneSchema);
    return known ?? { watermark: start, redoLength: 0, isFinished: false };
  }

  async writeStagedLane(diskId: string, lane: number, state: StagedLane): Promise<void> {
    await replaceFile(join(this.folder, `staged/${diskId}.${lane}.json`), JSON.stringify(state));
  }

  async clearStaged(): Promise<void> {
    await this.#clear('staged', () => true);
  }

  async clearStagedDisk(diskId: string): Promise<void> {
    // The head goes first: lanes without one count as nothing.
    await rm(join(this.folder, `staged/${diskId}.json`), { force: true });
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
    const names = await readdir(folder).catch(() => []);
    const files = await Promise.all(names.map(async (name) => stat(join(folder, name))));
    return files.reduce((sum, { size }) => sum + size, 0);
  }

  /** Points that have files, also such that a crash left behind. */
  async pointFolders(): Promise<readonly string[]> {
    return readdir(join(this.folder, 'points')).catch(() => []);
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

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #clear(part: string, isMeant: (name: string) => boolean): Promise<void> {
    const folder = join(this.folder, part);
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter(isMeant)) await rm(join(folder, name), { force: true });
  }

  async #read<S extends z.ZodType>(name: string, schema: S): Promise<z.output<S> | null> {
    const file = join(this.folder, name);
    if (!existsSync(file)) return null;
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  }
}
