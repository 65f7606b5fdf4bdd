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

/** Blocks whose digests prove the disk: 32 bytes a block are 512 MiB for a disk of 4 TiB. */
export const BLOCK_BYTES = 256 * 1024;
/**
 * Largest stretch that is read at once. A request may carry twice as much, but within the same memory twice as many
 * requests keep the source, both programs and the line busy at the same time.
 */
export const UNIT_BYTES = 2 * 1024 * 1024;
/** Reading over a gap of this size costs less than another request. */
const MAX_GAP_BYTES = 128 * 1024;

/** Data ranges of an ordered listing, widened to whole blocks and joined where they then touch. */
export async function* widenToBlocks(
  ranges: AsyncIterable<PageRange>,
  sizeBytes: number,
): AsyncGenerator<PageRange> {
  let [start, end] = [0, 0];
  for await (const { offset, length, kind } of ranges) {
    if (kind === 'zero') continue;
    const first = Math.floor(offset / BLOCK_BYTES) * BLOCK_BYTES;
    const last = Math.min(sizeBytes, Math.ceil((offset + length) / BLOCK_BYTES) * BLOCK_BYTES);
    if (first <= end && end > start) {
      end = Math.max(end, last);
      continue;
    }
    if (end > start) yield { offset: start, length: end - start, kind: 'data' };
    [start, end] = [first, last];
  }
  if (end > start) yield { offset: start, length: end - start, kind: 'data' };
}

/** A stretch that is read in one go with the ranges in it, or a stretch of zeros that need no reading. */
export type TransferUnit =
  | {
      readonly kind: 'data';
      readonly offset: number;
      readonly end: number;
      readonly ranges: readonly PageRange[];
    }
  | { readonly kind: 'zero'; readonly offset: number; readonly end: number };

/** Groups ordered ranges into units. Memory does not depend on how many ranges there are. */
export async function* toUnits(ranges: AsyncIterable<PageRange>): AsyncGenerator<TransferUnit> {
  let pending: PageRange[] = [];
  for await (const range of ranges) {
    for (const piece of splitRange(range)) {
      const last = pending.at(-1);
      if (last !== undefined && !belongTogether(last, piece)) {
        yield* unitsOf(pending);
        pending = [];
      }
      pending.push(piece);
    }
  }
  yield* unitsOf(pending);
}

/** Cuts data where a unit may end; zeros stay as they are. */
function* splitRange(range: PageRange): Generator<PageRange> {
  const end = range.offset + range.length;
  if (range.kind === 'zero') {
    yield range;
    return;
  }
  for (let start = range.offset; start < end;) {
    const border = Math.min(end, (Math.floor(start / UNIT_BYTES) + 1) * UNIT_BYTES);
    yield { offset: start, length: border - start, kind: 'data' };
    start = border;
  }
}

/** In one unit: the same stretch of UNIT_BYTES, and little between them. */
function belongTogether(last: PageRange, next: PageRange): boolean {
  const lastEnd = last.offset + last.length;
  const stretch = Math.floor(last.offset / UNIT_BYTES);
  const isSameStretch = stretch === Math.floor((next.offset + next.length - 1) / UNIT_BYTES);
  const isLongRun = [last, next].some(
    ({ kind, length }) => kind === 'zero' && length > MAX_GAP_BYTES,
  );
  return isSameStretch && !isLongRun && next.offset - lastEnd <= MAX_GAP_BYTES;
}

function* unitsOf(ranges: readonly PageRange[]): Generator<TransferUnit> {
  const data = ranges.filter(({ kind }) => kind === 'data');
  const [first, last] = [data[0], data.at(-1)];
  if (first === undefined || last === undefined) {
    for (const { offset, length } of ranges) yield { kind: 'zero', offset, end: offset + length };
    return;
  }
  yield { kind: 'data', offset: first.offset, end: last.offset + last.length, ranges };
}
