import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { FRAME, type TransferFrame } from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';

const compress = promisify(zstdCompress);
const ZEROS = Buffer.alloc(BLOCK_BYTES);
const SAMPLE_BYTES = 4096;
/** A sample with more different bytes than this is random or compressed already. */
const MAX_DISTINCT = 236;
/** Compression has to save this share, or the receiver's work is not worth it. */
const WORTHWHILE = 0.9;

export function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}

export function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** At most a block as a frame without number: nothing for zeros, zstd where it pays, else as it is. */
export async function encodeBlock(offset: number, bytes: Buffer): Promise<TransferFrame> {
  const { length } = bytes;
  const sequence = 0;
  if (isZero(bytes)) return { type: FRAME.zero, sequence, offset, length };
  const digest = digestOf(bytes);
  const plain = { type: FRAME.data, sequence, offset, length, digest } as const;
  if (!looksCompressible(bytes)) return { ...plain, isCompressed: false, payload: bytes };
  const packed = await compress(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  return packed.length < length * WORTHWHILE
    ? { ...plain, isCompressed: true, payload: packed }
    : { ...plain, isCompressed: false, payload: bytes };
}

/** Cheap: counts the different bytes of a sample from the middle. Random data has nearly all 256. */
function looksCompressible(bytes: Buffer): boolean {
  const start = Math.max(0, Math.floor((bytes.length - SAMPLE_BYTES) / 2));
  return new Set(bytes.subarray(start, start + SAMPLE_BYTES)).size <= MAX_DISTINCT;
}
