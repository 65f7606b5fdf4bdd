import { randomBytes } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { compressBlock } from '../../../../agents/process-server/block-compressor.ts';

describe('the compression of blocks', () => {
  it('gives each of many blocks at once a frame of its own', async () => {
    const blocks = Array.from({ length: 60 }, (_, n) => {
      const bytes = Buffer.alloc(1 + ((n * 7919 * 13) % (256 * 1024)), `line ${n};`);
      // Some are text, some random, some both, so that frames of one and of several pieces mix.
      if (n % 3 !== 0) randomBytes(Math.ceil(bytes.length / (n % 3))).copy(bytes);
      return bytes;
    });
    const packed = await Promise.all(blocks.map(async (block) => compressBlock(block)));
    expect(packed.map((frame, n) => zstdDecompressSync(frame).equals(blocks[n] as Buffer))).toEqual(
      blocks.map(() => true),
    );
  });

  it('does not change a frame that was handed out when the next block is compressed', async () => {
    const first = Buffer.alloc(256 * 1024, 'the first block ');
    const packed = await compressBlock(first);
    const copy = Buffer.from(packed);
    for (let n = 0; n < 20; n += 1) await compressBlock(randomBytes(256 * 1024));
    expect(packed.equals(copy)).toBe(true);
  });

  it('says how long the block is, so that it is unpacked in one go', async () => {
    for (const length of [512, 4096, 256 * 1024]) {
      const packed = await compressBlock(Buffer.alloc(length, 'text '));
      // RFC 8878: a single segment, which always tells the size of its content.
      expect((packed[4] ?? 0) & 0x20).toBe(0x20);
    }
  });
});
