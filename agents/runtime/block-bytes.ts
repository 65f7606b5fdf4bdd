import { hash } from 'node:crypto';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';

const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);

/** SHA-256, as both sides of a transfer use it. */
export function digestOf(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** Of at most one block. */
export function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZERO_BLOCK.subarray(0, bytes.length));
}
