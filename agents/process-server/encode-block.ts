import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { FRAME, type TransferFrame } from '../../shared/contracts/transfer-protocol.ts';

const compress = promisify(zstdCompress);
const ZEROS = Buffer.alloc(1024 * 1024);
const SAMPLE_BYTES = 4096;
/** A sample with more different bytes than this is random or compressed already. */
const MAX_DISTINCT = 236;
/** Compression has to save this share, or the receiver's work is not worth it. */
const WORTHWHILE = 0.9;

export function isZero(bytes: Buffer): boolean {
  for (let start = 0; start < bytes.length; start += ZEROS.length) {
    const end = Math.min(bytes.length, start + ZEROS.length);
    if (bytes.compare(ZEROS, 0, end - start, start, end) !== 0) return false;
  }
  return true;
}

export function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The bytes as a frame: nothing for zeros, zstd where it pays, else as they are. */
export async function encodeBlock(
  sequence: number,
  offset: number,
  bytes: Buffer,
): Promise<TransferFrame> {
  const { length } = bytes;
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
