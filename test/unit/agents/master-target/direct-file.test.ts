import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { alignedBuffers } from '../../../../agents/master-target/aligned-buffers.ts';
import { TargetDisk } from '../../../../agents/master-target/target-disk.ts';
import { Random } from '../../../support/data-plane/random.ts';

const SECTOR_BYTES = 512;
/** No multiple of the alignment: the end is for the page cache. */
const SECTORS = 2051;
const SIZE_BYTES = SECTORS * SECTOR_BYTES;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'direct-file-'));
  path = join(folder, 'disk.raw');
  writeFileSync(path, Buffer.alloc(SIZE_BYTES));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = async (isReadOnly = false): Promise<TargetDisk> =>
  TargetDisk.open('os', { kind: 'file', path }, { sizeBytes: SIZE_BYTES, isReadOnly });

const aWrite = fc
  .record({
    first: fc.nat(SECTORS - 1),
    sectors: fc.integer({ min: 1, max: SECTORS }),
    seed: fc.nat(),
    isAligned: fc.boolean(),
  })
  .map(({ first, sectors, ...rest }) => ({
    offset: first * SECTOR_BYTES,
    length: Math.min(sectors, SECTORS - first) * SECTOR_BYTES,
    ...rest,
  }));

describe('a disk that is written past the page cache', () => {
  it('holds what an array of bytes holds after the same writes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aWrite, { minLength: 1, maxLength: 12 }), async (writes) => {
        const model = Buffer.alloc(SIZE_BYTES);
        writeFileSync(path, model);
        const disk = await open();
        for (const { offset, length, seed, isAligned } of writes) {
          const bytes = new Random(seed).bytes(length);
          const lent = isAligned ? alignedBuffers.take(length) : Buffer.allocUnsafe(length);
          bytes.copy(lent);
          await disk.write(offset, lent);
          lent.fill(0xee);
          bytes.copy(model, offset);
        }
        expect((await disk.read(0, SIZE_BYTES)).equals(model)).toBe(true);
        await disk.sync();
        await disk.close();
        expect(readFileSync(path).equals(model)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('says so at once when it may not be written', async () => {
    const disk = await open(true);
    await expect(disk.write(0, Buffer.alloc(256 * 1024))).rejects.toMatchObject({ code: 'EBADF' });
    await disk.close();
  });
});
