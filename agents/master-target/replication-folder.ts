import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  consistencySchema,
  replicationModeSchema,
  targetDeviceSchema,
} from '../../shared/contracts/commands.ts';
import { replaceFile } from './durable-file.ts';

const diskSchema = z.object({
  diskId: z.string(),
  sizeBytes: z.int(),
  device: targetDeviceSchema,
  /** Nothing was ever written to it, by us or by anybody. */
  isBlank: z.boolean(),
});
export type DiskRecord = z.infer<typeof diskSchema>;

const replicationSchema = z.object({
  disks: z.array(diskSchema),
  /** False once the disks were given back to the VM; the manifests stay for the way back. */
  isOpen: z.boolean(),
});

const sealedSchema = z.object({
  pointId: z.string(),
  takenAt: z.string(),
  sealedAt: z.string(),
  consistency: consistencySchema,
  /** Snapshot in Azure that each disk equals, by disk. */
  snapshotNames: z.record(z.string(), z.string()),
  /** Bytes of each disk's redo file; empty when the point was written to the disks directly. */
  redoLengths: z.record(z.string(), z.int()),
  /** False from the seal until the redo files are on the disks. */
  isApplied: z.boolean(),
});
export type SealedPoint = z.infer<typeof sealedSchema>;

const stagedSchema = z.object({
  pointId: z.string(),
  snapshotName: z.string(),
  mode: replicationModeSchema,
  /** Written to the disk itself: only before the first seal. */
  isDirect: z.boolean(),
  watermark: z.int(),
  redoLength: z.int(),
  isFinished: z.boolean(),
});
export type StagedDisk = z.infer<typeof stagedSchema>;

/**
 * Everything about one replication on the retention volume:
 *   replication.json   its disks
 *   sealed.json        the point the disks stand at (or will, once applied): replaced by one rename
 *   staged/            what came since: <disk>.json and <disk>.redo
 *   manifests/         digests of the source, by disk
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
    await mkdir(join(this.folder, 'staged'), { recursive: true });
    await mkdir(join(this.folder, 'manifests'), { recursive: true });
    await replaceFile(join(this.folder, 'replication.json'), JSON.stringify({ disks, isOpen }));
  }

  async sealed(): Promise<SealedPoint | null> {
    return this.#read('sealed.json', sealedSchema);
  }

  async writeSealed(point: SealedPoint): Promise<void> {
    await replaceFile(join(this.folder, 'sealed.json'), JSON.stringify(point));
  }

  async staged(diskId: string): Promise<StagedDisk | null> {
    return this.#read(`staged/${diskId}.json`, stagedSchema);
  }

  async writeStaged(diskId: string, staged: StagedDisk): Promise<void> {
    await replaceFile(join(this.folder, `staged/${diskId}.json`), JSON.stringify(staged));
  }

  async clearStaged(): Promise<void> {
    const staged = join(this.folder, 'staged');
    const names = await readdir(staged).catch(() => []);
    for (const name of names) await rm(join(staged, name), { force: true });
  }

  async clearStagedDisk(diskId: string): Promise<void> {
    await rm(join(this.folder, `staged/${diskId}.json`), { force: true });
    await rm(this.redoFile(diskId), { force: true });
  }

  redoFile(diskId: string): string {
    return join(this.folder, `staged/${diskId}.redo`);
  }

  manifestFile(diskId: string): string {
    return join(this.folder, `manifests/${diskId}.bin`);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #read<S extends z.ZodType>(name: string, schema: S): Promise<z.output<S> | null> {
    const file = join(this.folder, name);
    if (!existsSync(file)) return null;
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  }
}
