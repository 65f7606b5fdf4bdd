import { mkdtempSync, rmSync } from 'node:fs';
import type * as Files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type * as ManifestModule from '../../../../agents/master-target/manifest.ts';
import type * as FolderModule from '../../../../agents/master-target/replication-folder.ts';
import { BLOCK_BYTES } from '../../../../shared/domain/page-ranges.ts';

/** What one write or read takes at most. */
const SHORT_BYTES = 7;
/** Files and folders whose entries were made durable. */
const synced: string[] = [];

let root: string;
let Manifest: typeof ManifestModule.Manifest;
let ReplicationFolder: typeof FolderModule.ReplicationFolder;

type Transfer = (bytes: Uint8Array, at: number, length: number, position: number) => unknown;

/** A file as it is on a volume that is almost full: it takes and gives little at a time. */
function shortened(handle: Files.FileHandle, path: string): Files.FileHandle {
  return new Proxy(handle, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name === 'sync') synced.push(path);
      const method = value.bind(target) as Transfer;
      if (name !== 'write' && name !== 'read') return method;
      return (bytes: Uint8Array, at: number, length: number, position: number): unknown =>
        method(bytes, at, Math.min(length, SHORT_BYTES), position);
    },
  });
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'journal-files-'));
  jest.doMock('node:fs/promises', () => {
    const real = jest.requireActual<typeof Files>('node:fs/promises');
    const open = async (path: string, flags: string): Promise<Files.FileHandle> =>
      shortened(await real.open(path, flags), path);
    return { ...real, open };
  });
  // Loaded only now, so that they get the files above.
  ({ Manifest } = await import('../../../../agents/master-target/manifest.ts'));
  ({ ReplicationFolder } = await import('../../../../agents/master-target/replication-folder.ts'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => {
  synced.length = 0;
});

describe('a manifest', () => {
  it('holds all that was set, however little a write or a read takes at a time', async () => {
    const file = join(root, 'manifest.bin');
    const manifest = await Manifest.open(file, 8 * BLOCK_BYTES);
    const digest = (fill: number): Buffer => Buffer.alloc(32, fill);
    for (let block = 0; block < 8; block += 1) await manifest.set(block, digest(block + 1));
    await manifest.setZero(2 * BLOCK_BYTES, 3 * BLOCK_BYTES);
    const found = await manifest.read(0, 8);
    expect(found.map((entry) => entry[31])).toEqual([1, 2, 0, 0, 0, 6, 7, 8]);
    await manifest.close();
  });
});

describe('a folder of a replication', () => {
  const onLinux = process.platform === 'win32' ? it.skip : it;

  onLinux('is there after a power cut, with its points and manifests', async () => {
    const folder = new ReplicationFolder(root, 'web-01');
    await folder.writeDisks([], true);
    expect(synced).toEqual(expect.arrayContaining([root, folder.folder]));
    await folder.makePoint('point-1');
    expect(synced).toContain(dirname(folder.pointFolder('point-1')));
    const file = folder.manifestFile('os');
    await (await Manifest.open(file, BLOCK_BYTES)).close();
    expect(synced).toEqual(expect.arrayContaining([file, dirname(file)]));
  });
});
