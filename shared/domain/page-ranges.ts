import { invariant } from './assert.ts';

export const SECTOR_BYTES = 512;

/** A stretch of a disk, half-open, in bytes: what was written (`data`) or cleared (`zero`). */
export interface PageRange {
  readonly offset: number;
  readonly length: number;
  readonly kind: 'data' | 'zero';
}

export type RangeFault = 'not aligned to 512 bytes' | 'empty' | 'overlapping or out of order';

/** What is wrong with a listing that claims to be ordered; `null` when nothing is. */
export function faultOf(previousEnd: number, range: PageRange): RangeFault | null {
  if (range.length <= 0) return 'empty';
  if (range.offset % SECTOR_BYTES !== 0 || range.length % SECTOR_BYTES !== 0) {
    return 'not aligned to 512 bytes';
  }
  return range.offset < previousEnd ? 'overlapping or out of order' : null;
}

/** The part of the range inside [start, end); `null` when none is. */
export function clip(range: PageRange, start: number, end: number): PageRange | null {
  const offset = Math.max(range.offset, start);
  const length = Math.min(range.offset + range.length, end) - offset;
  return length > 0 ? { offset, length, kind: range.kind } : null;
}

/** Fills the gaps of an ordered listing of data: what is not listed reads as zeros. */
export async function* withGapsAsZeros(
  ranges: AsyncIterable<PageRange>,
  window: { readonly start: number; readonly end: number },
): AsyncGenerator<PageRange> {
  let position = window.start;
  for await (const range of ranges) {
    if (range.offset > position) {
      yield { offset: position, length: range.offset - position, kind: 'zero' };
    }
    yield range;
    position = range.offset + range.length;
  }
  if (position < window.end) {
    yield { offset: position, length: window.end - position, kind: 'zero' };
  }
}

/** Blocks whose digests prove the disk. Small, so that a small change costs a small read. */
export const BLOCK_BYTES = 256 * 1024;
/** Largest stretch that is read at once: what one request to a page blob may carry. */
export const UNIT_BYTES = 4 * 1024 * 1024;

/**
 * A stretch of whole blocks that is read in one go, and the changed ranges in it; or a run of whole
 * blocks that are zero and need not be read at all.
 */
export type TransferUnit =
  | {
      readonly kind: 'blocks';
      readonly offset: number;
      /** Exclusive; the last block of the disk may be short. */
      readonly end: number;
      readonly ranges: readonly PageRange[];
    }
  | { readonly kind: 'zeroRun'; readonly offset: number; readonly end: number };

/** Groups ordered ranges into units. Memory does not depend on how many ranges there are. */
export async function* toUnits(
  ranges: AsyncIterable<PageRange>,
  sizeBytes: number,
): AsyncGenerator<TransferUnit> {
  let pending: PageRange[] = [];
  for await (const range of ranges) {
    for (const piece of splitRange(range, sizeBytes)) {
      const last = pending.at(-1);
      const isRun = isZeroRun(piece, sizeBytes);
      if (last !== undefined && (isRun || !belongTogether(pending[0] ?? last, last, piece))) {
        yield unitOf(pending, sizeBytes);
        pending = [];
      }
      if (isRun) yield { kind: 'zeroRun', offset: piece.offset, end: piece.offset + piece.length };
      else pending.push(piece);
    }
  }
  if (pending.length > 0) yield unitOf(pending, sizeBytes);
}

/** Cuts at unit borders, and a zero range into its whole blocks and what is left at its ends. */
function* splitRange(range: PageRange, sizeBytes: number): Generator<PageRange> {
  const end = range.offset + range.length;
  if (range.kind === 'zero') {
    const first = Math.ceil(range.offset / BLOCK_BYTES) * BLOCK_BYTES;
    const last = end === sizeBytes ? end : Math.floor(end / BLOCK_BYTES) * BLOCK_BYTES;
    if (first < last) {
      yield* nonEmpty(range, range.offset, first);
      yield { offset: first, length: last - first, kind: 'zero' };
      yield* nonEmpty(range, last, end);
      return;
    }
  }
  for (let start = range.offset; start < end;) {
    const border = Math.min(end, (Math.floor(start / UNIT_BYTES) + 1) * UNIT_BYTES);
    yield { offset: start, length: border - start, kind: range.kind };
    start = border;
  }
}

function* nonEmpty(range: PageRange, start: number, end: number): Generator<PageRange> {
  if (start < end) yield { offset: start, length: end - start, kind: range.kind };
}

function isZeroRun({ offset, length, kind }: PageRange, sizeBytes: number): boolean {
  const end = offset + length;
  const isWhole = end % BLOCK_BYTES === 0 || end === sizeBytes;
  return kind === 'zero' && offset % BLOCK_BYTES === 0 && isWhole;
}

/** In one unit: the same stretch of UNIT_BYTES, and no untouched block between. */
function belongTogether(first: PageRange, last: PageRange, next: PageRange): boolean {
  const isSameStretch =
    Math.floor(first.offset / UNIT_BYTES) === Math.floor(next.offset / UNIT_BYTES);
  const lastBlock = Math.floor((last.offset + last.length - 1) / BLOCK_BYTES);
  return isSameStretch && Math.floor(next.offset / BLOCK_BYTES) <= lastBlock + 1;
}

function unitOf(ranges: readonly PageRange[], sizeBytes: number): TransferUnit {
  const [first, last] = [ranges[0], ranges.at(-1)];
  invariant(first !== undefined && last !== undefined, 'A unit has at least one range');
  const offset = Math.floor(first.offset / BLOCK_BYTES) * BLOCK_BYTES;
  const end = Math.ceil((last.offset + last.length) / BLOCK_BYTES) * BLOCK_BYTES;
  return { kind: 'blocks', offset, end: Math.min(end, sizeBytes), ranges };
}
