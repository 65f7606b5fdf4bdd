import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type * as Files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, afterEach, describe, expect, it, jest } from '@jest/globals';
import type * as DiskModule from '../../../../agents/master-target/target-disk.ts';
import { BLOCK_BYTES } from '../../../../shared/domain/page-ranges.ts';
import { Random } from '../../../support/data-plane/random.ts';
import { type JournalCode, loadJournalCode } from '../../../support/power-cut/journal-code.ts';
import { machineAt, seal } from '../../../support/power-cut/machine.ts';
import { comparison, send } from '../../../support/power-cut/transfer.ts';

const SIZE_BYTES = 2 * BLOCK_BYTES + 1536;

/** What the kernel holds of the disk file, and whether the next sync of it fails. */
const cache = {
  content: new Random(0).bytes(0),
  isDirty: false,
  fails: false,
  hasDirectAccess: true,
};

const FAILED = { code: 'FB-JRN-015', values: { operation: 'sync', reason: 'EIO' } };

let real: typeof Files;
let code: JournalCode;
let TargetDisk: typeof DiskModule.TargetDisk;
let root: string;
let file: string;

const fault = (name: string): Error => Object.assign(new Error(name), { code: name });

function writeOut(): void {
  if (cache.isDirty) writeFileSync(file, cache.content);
  cache.isDirty = false;
}

/** As Linux: what could not be written counts as written from then on, and stays in the cache. */
async function datasync(): Promise<void> {
  if (!cache.fails) return writeOut();
  cache.fails = false;
  cache.isDirty = false;
  throw fault('EIO');
}

type Transfer = (bytes: Buffer, at: number, length: number, offset: number) => Promise<unknown>;

const read: Transfer = async (bytes, at, length, offset) => ({
  bytesRead: cache.content.copy(bytes, at, offset, offset + length),
});

const write: Transfer = async (bytes, at, length, offset) => {
  bytes.copy(cache.content, offset, at, at + length);
  cache.isDirty = true;
  return { bytesWritten: length };
};

async function opened(path: string, flags: string | number): Promise<Files.FileHandle> {
  if (path !== file) return real.open(path, flags);
  if (typeof flags === 'number') {
    if (!cache.hasDirectAccess) throw fault('EINVAL');
    writeOut();
    return real.open(path, 'r');
  }
  return Object.assign(await real.open(path, flags), { read, write, datasync });
}

beforeAll(async () => {
  real = jest.requireActual<typeof Files>('node:fs/promises');
  jest.doMock('node:fs/promises', () => ({ ...real, open: opened }));
  // Loaded only now, so that they get the files above.
  code = await loadJournalCode();
  ({ TargetDisk } = await import('../../../../agents/master-target/target-disk.ts'));
});
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lost-writes-'));
  file = join(root, 'data.raw');
  cache.content = new Random(1).bytes(SIZE_BYTES);
  writeFileSync(file, cache.content);
  Object.assign(cache, { isDirty: false, fails: false, hasDirectAccess: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const device = (): { kind: 'file'; path: string } => ({ kind: 'file', path: file });

async function aDisk(): Promise<DiskModule.TargetDisk> {
  return TargetDisk.open('data', device(), { sizeBytes: SIZE_BYTES, isReadOnly: false });
}

describe('a disk file after a write that failed', () => {
  it('is read as it lies on the disk, not as the kernel has it', async () => {
    const old = readFileSync(file);
    const disk = await aDisk();
    await disk.write(0, Buffer.alloc(4096, 7));
    cache.fails = true;
    await expect(disk.sync()).rejects.toMatchObject(FAILED);
    expect(cache.content[0]).toBe(7);
    expect((await disk.read(0, SIZE_BYTES)).equals(old)).toBe(true);
    await disk.close();
  });

  it('gets the zeros that were lost', async () => {
    const disk = await aDisk();
    await disk.zero(512, BLOCK_BYTES);
    cache.fails = true;
    await expect(disk.sync()).rejects.toMatchObject(FAILED);
    await disk.zero(512, BLOCK_BYTES);
    await disk.sync();
    const zeroed = readFileSync(file).subarray(512, 512 + BLOCK_BYTES);
    // Not compared by the test: it would list all bytes.
    expect(zeroed.equals(Buffer.alloc(BLOCK_BYTES))).toBe(true);
    await disk.close();
  });

  it('gets all of a point that is applied again, also where nothing reads past the cache', async () => {
    cache.hasDirectAccess = false;
    const machine = machineAt(code, root);
    const { folder } = machine;
    const disk = { diskId: 'data', sizeBytes: SIZE_BYTES, device: device(), isBlank: false };
    await folder.writeDisks([disk], true);
    const first = new Random(2).bytes(SIZE_BYTES);
    const contents = [first, Buffer.from(first).fill(0, 0, BLOCK_BYTES)];
    for (const [index, next] of contents.entries()) {
      const point = { pointId: `point-${index}`, contents: new Map([['data', next]]) };
      const transfer = { point, disks: [comparison('data', next)] };
      await send(code, folder, transfer);
      cache.fails = index === 1;
      // The one whose sync fails is applied once more by the command itself.
      await seal(machine, transfer);
    }
    expect(cache.fails).toBe(false);
    expect(readFileSync(file).equals(contents[1] ?? first)).toBe(true);
  });
});

describe('a disk file of a size that fits no page', () => {
  it('is read the same from anywhere, past the cache and through it', async () => {
    // Not the file that is played above.
    const path = join(root, 'real.raw');
    const content = new Random(3).bytes(SIZE_BYTES);
    writeFileSync(path, content);
    const request = { sizeBytes: SIZE_BYTES - 512, isReadOnly: true };
    const disk = await TargetDisk.open('data', { kind: 'file', path }, request);
    const random = new Random(4);
    for (let round = 0; round < 50; round += 1) {
      const offset = random.below(SIZE_BYTES / 512) * 512;
      const length = (1 + random.below(SIZE_BYTES / 512)) * 512;
      const found = await disk.read(offset, length);
      const wanted = Buffer.alloc(length);
      content.copy(wanted, 0, offset);
      expect(found.equals(wanted)).toBe(true);
    }
    await disk.close();
  });
});
