import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DamagedFile, FrameFile, readFrames } from '../../../../agents/master-target/frame-file.ts';
import { digestOf } from '../../../../agents/runtime/block-bytes.ts';
import { encodeTransfer } from '../../../../shared/contracts/transfer-codec.ts';
import { FRAME, type TransferFrame } from '../../../../shared/contracts/transfer-protocol.ts';

let root: string;
let file: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'frame-file-'));
  file = join(root, 'os.0.redo');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function aDataFrame(offset: number, payloadBytes = 64): TransferFrame {
  const payload = Buffer.alloc(payloadBytes, offset / 64 + 1);
  const digest = digestOf(payload);
  const length = payload.length;
  return { type: FRAME.data, sequence: 0, offset, length, isCompressed: false, digest, payload };
}

const FRAMES: readonly TransferFrame[] = [
  aDataFrame(64),
  { type: FRAME.zero, sequence: 1, offset: 4096, length: 8192 },
  { type: FRAME.same, sequence: 2, block: 7, digest: digestOf(Buffer.from('seven')) },
];

async function append(frames: readonly TransferFrame[], durableLength: number): Promise<number> {
  const opened = await FrameFile.open(file, durableLength);
  try {
    for (const frame of frames) await opened.append(frame);
    await opened.sync();
    return opened.length;
  } finally {
    await opened.close();
  }
}

async function framesIn(length: number): Promise<readonly TransferFrame[]> {
  const frames: TransferFrame[] = [];
  for await (const frame of readFrames(file, length)) frames.push(frame);
  return frames;
}

/** What a reader makes of these bytes in the place of the file. */
async function read(bytes: Buffer, length: number): Promise<unknown> {
  writeFileSync(file, bytes);
  return framesIn(length).catch((error: unknown) => error);
}

describe('a file of the journal', () => {
  it('reads as it was written, in several goes and without what was never made durable', async () => {
    const first = await append(FRAMES, 0);
    appendFileSync(file, 'the beginning of a record');
    const length = await append([aDataFrame(128)], first);
    expect(await framesIn(length)).toEqual([...FRAMES, aDataFrame(128)]);
    expect(await framesIn(first)).toEqual(FRAMES);
  });

  it('gives frames that keep their bytes while more is read, however they lie and whatever their size', async () => {
    const sizes = [
      300_001, 299_999, 500_000, 4096, 1_900_000, 1, 262_144, 262_144, 262_144, 700_000,
    ];
    const frames = sizes.map((size, index) => aDataFrame(64 * index, size));
    expect(await framesIn(await append(frames, 0))).toEqual(frames);
  });

  it('is not read any further once a single bit of it is wrong, whichever it is', async () => {
    const length = await append(FRAMES, 0);
    const bytes = readFileSync(file);
    const unnoticed: string[] = [];
    for (let bit = 0; bit < length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const found = await read(flipped, length);
      if (!(found instanceof DamagedFile)) unnoticed.push(`bit ${bit & 7} of byte ${bit >> 3}`);
    }
    expect(unnoticed).toEqual([]);
  });

  it('is not taken for complete when it ends early, wherever that is', async () => {
    const length = await append(FRAMES, 0);
    const bytes = readFileSync(file);
    const unnoticed: number[] = [];
    for (let left = 0; left < length; left += 1) {
      if (!((await read(bytes.subarray(0, left), length)) instanceof DamagedFile))
        unnoticed.push(left);
    }
    expect(unnoticed).toEqual([]);
  });

  it('is not taken for empty when it is gone', async () => {
    rmSync(file);
    await expect(framesIn(100)).rejects.toThrow('os.0.redo is not there any more');
    expect(await framesIn(0)).toEqual([]);
  });
});

describe('a file that an earlier version began, without checksums', () => {
  const encoded = (frames: readonly TransferFrame[]): Buffer =>
    Buffer.concat(frames.flatMap((frame) => encodeTransfer(frame)));

  it('is read, and goes on as it began', async () => {
    const old = encoded(FRAMES);
    writeFileSync(file, old);
    const length = await append([aDataFrame(128)], old.length);
    expect(readFileSync(file).equals(encoded([...FRAMES, aDataFrame(128)]))).toBe(true);
    expect(await framesIn(length)).toEqual([...FRAMES, aDataFrame(128)]);
  });

  it('is damaged when it ends early, or a payload is not what its digest says', async () => {
    const old = encoded(FRAMES);
    for (let left = 0; left < old.length; left += 1) {
      expect(await read(old.subarray(0, left), old.length)).toBeInstanceOf(DamagedFile);
    }
    old[60] = (old[60] ?? 0) ^ 1;
    expect(await read(old, old.length)).toBeInstanceOf(DamagedFile);
  });
});
