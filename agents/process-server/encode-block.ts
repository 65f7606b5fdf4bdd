import { FRAME, type TransferFrame } from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { digestOf, isZero } from '../runtime/block-bytes.ts';
import { compressBlock } from './block-compressor.ts';
import type { Throttle } from './throttle/throttle.ts';

/** So many single bytes, spread evenly over the block. */
const SAMPLES = 4096;
/** A sample with more different bytes than this is random or compressed already. */
const MAX_DISTINCT = 236;
/** Compression has to save this share, or the receiver's work is not worth it. */
const WORTHWHILE = 0.9;

interface EncodeOptions {
  readonly compression: Pick<Throttle['compression'], 'next'>;
  /** Digest of what the target holds there; `null` = nothing is known. */
  readonly known: Uint8Array | null;
}

/**
 * At most a block as a frame without number: nothing for zeros, its digest for what the target has, zstd where it pays,
 * else as it is.
 */
export async function encodeBlock(
  offset: number,
  bytes: Buffer,
  { compression, known }: EncodeOptions,
): Promise<TransferFrame> {
  const { length } = bytes;
  const sequence = 0;
  if (isZero(bytes)) return { type: FRAME.zero, sequence, offset, length };
  const digest = digestOf(bytes);
  if (known !== null && digest.equals(known)) {
    return { type: FRAME.same, sequence, block: offset / BLOCK_BYTES, digest };
  }
  const plain = { type: FRAME.data, sequence, offset, length, digest } as const;
  if (!looksCompressible(bytes) || !compression.next())
    return { ...plain, isCompressed: false, payload: bytes };
  const packed = await compressBlock(bytes);
  return packed.length < length * WORTHWHILE
    ? { ...plain, isCompressed: true, payload: packed }
    : { ...plain, isCompressed: false, payload: bytes };
}

const seen = new Uint8Array(256);

/** Cheap: counts the different bytes of a sample. Random data has nearly all 256. */
function looksCompressible(bytes: Buffer): boolean {
  const stride = Math.max(1, Math.floor(bytes.length / SAMPLES));
  seen.fill(0);
  let distinct = 0;
  for (let at = 0; at < bytes.length; at += stride) {
    const byte = bytes[at] ?? 0;
    if (seen[byte] !== 0) continue;
    seen[byte] = 1;
    distinct += 1;
    if (distinct > MAX_DISTINCT) return false;
  }
  return true;
}
