import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  BLOCK_BYTES,
  clip,
  faultOf,
  type PageRange,
  SECTOR_BYTES,
  toUnits,
  type TransferUnit,
  UNIT_BYTES,
  withGapsAsZeros,
} from '../../../../shared/domain/page-ranges.ts';

const MIB = 1024 * 1024;
const UNTOUCHED = 0;
const DATA = 1;
const ZERO = 2;

async function* streamOf(ranges: readonly PageRange[]): AsyncGenerator<PageRange> {
  yield* ranges;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const data = (offset: number, length: number): PageRange => ({ offset, length, kind: 'data' });
const zero = (offset: number, length: number): PageRange => ({ offset, length, kind: 'zero' });

/** A disk of up to 14 MiB, and an ordered listing of it that likes the borders of blocks and units. */
const listing = fc
  .record({
    sizeSectors: fc.integer({ min: 1, max: (14 * MIB) / SECTOR_BYTES }),
    steps: fc.array(fc.record({ gap: lengths(0), length: lengths(1), isZero: fc.boolean() }), {
      maxLength: 25,
    }),
    snap: fc.constantFrom(1, 1, BLOCK_BYTES / SECTOR_BYTES, UNIT_BYTES / SECTOR_BYTES),
  })
  .map(({ sizeSectors, steps, snap }) => {
    const sizeBytes = sizeSectors * SECTOR_BYTES;
    const ranges: PageRange[] = [];
    let position = 0;
    for (const { gap, length, isZero } of steps) {
      const offset = Math.ceil((position + gap) / snap) * snap;
      const end = Math.min(offset + length, sizeSectors);
      if (offset >= end) break;
      const kind = isZero ? 'zero' : 'data';
      ranges.push({ offset: offset * SECTOR_BYTES, length: (end - offset) * SECTOR_BYTES, kind });
      position = end;
    }
    return { sizeBytes, ranges };
  });

function lengths(min: number): fc.Arbitrary<number> {
  const block = BLOCK_BYTES / SECTOR_BYTES;
  return fc.oneof(
    fc.integer({ min, max: 20 }),
    fc.integer({ min, max: 12_000 }),
    fc.constantFrom(block, 2 * block, 3 * block - 1, UNIT_BYTES / SECTOR_BYTES),
  );
}

/** One entry a sector: what happened to it. */
function modelOf(sizeBytes: number, ranges: readonly PageRange[]): Uint8Array {
  const model = new Uint8Array(sizeBytes / SECTOR_BYTES);
  for (const { offset, length, kind } of ranges) {
    const [start, end] = [offset / SECTOR_BYTES, (offset + length) / SECTOR_BYTES];
    model.fill(kind === 'zero' ? ZERO : DATA, start, end);
  }
  return model;
}

const rangesIn = (unit: TransferUnit): readonly PageRange[] =>
  unit.kind === 'blocks' ? unit.ranges : [zero(unit.offset, unit.end - unit.offset)];

describe('units of a transfer', () => {
  it('hold every changed sector exactly once and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(listing, async ({ sizeBytes, ranges }) => {
        const units = await all(toUnits(streamOf(ranges), sizeBytes));
        const pieces = units.flatMap(rangesIn);
        const sectors = pieces.reduce((sum, { length }) => sum + length / SECTOR_BYTES, 0);
        const model = modelOf(sizeBytes, ranges);
        expect(modelOf(sizeBytes, pieces)).toEqual(model);
        expect(sectors).toBe(model.filter((what) => what !== UNTOUCHED).length);
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  it('are made of whole blocks, in order, and never overlap', async () => {
    await fc.assert(
      fc.asyncProperty(listing, async ({ sizeBytes, ranges }) => {
        let previousEnd = 0;
        for (const { offset, end } of await all(toUnits(streamOf(ranges), sizeBytes))) {
          expect(offset % BLOCK_BYTES).toBe(0);
          expect(end === sizeBytes || end % BLOCK_BYTES === 0).toBe(true);
          expect(offset).toBeGreaterThanOrEqual(previousEnd);
          expect(end).toBeGreaterThan(offset);
          expect(end).toBeLessThanOrEqual(sizeBytes);
          previousEnd = end;
        }
      }),
      { numRuns: 200, seed: 12 },
    );
  });

  it('are read in one request each, without a block that nothing touched', async () => {
    await fc.assert(
      fc.asyncProperty(listing, async ({ sizeBytes, ranges }) => {
        const model = modelOf(sizeBytes, ranges);
        for (const unit of await all(toUnits(streamOf(ranges), sizeBytes))) {
          if (unit.kind === 'zeroRun') continue;
          const stretch = Math.floor(unit.offset / UNIT_BYTES);
          expect(Math.floor((unit.end - 1) / UNIT_BYTES)).toBe(stretch);
          for (let start = unit.offset; start < unit.end; start += BLOCK_BYTES) {
            const block = model.subarray(
              start / SECTOR_BYTES,
              (start + BLOCK_BYTES) / SECTOR_BYTES,
            );
            expect(block.some((what) => what !== UNTOUCHED)).toBe(true);
          }
        }
      }),
      { numRuns: 200, seed: 13 },
    );
  });

  it('never read a block that is zero from start to end', async () => {
    await fc.assert(
      fc.asyncProperty(listing, async ({ sizeBytes, ranges }) => {
        const isSplit = ranges.some(
          (range, index) => range.kind === 'zero' && isTouching(ranges[index + 1], range),
        );
        fc.pre(!isSplit);
        const model = modelOf(sizeBytes, ranges);
        for (const unit of await all(toUnits(streamOf(ranges), sizeBytes))) {
          if (unit.kind === 'zeroRun') continue;
          for (let start = unit.offset; start < unit.end; start += BLOCK_BYTES) {
            const block = model.subarray(
              start / SECTOR_BYTES,
              (start + BLOCK_BYTES) / SECTOR_BYTES,
            );
            expect(block.every((what) => what === ZERO)).toBe(false);
          }
        }
      }),
      { numRuns: 200, seed: 14 },
    );
  });

  it.each([
    ['nothing', 8 * MIB, [], []],
    ['one sector', 8 * MIB, [data(512, 512)], [['blocks', 0, BLOCK_BYTES]]],
    [
      'two sectors in neighbouring blocks',
      8 * MIB,
      [data(0, 512), data(BLOCK_BYTES, 512)],
      [['blocks', 0, 2 * BLOCK_BYTES]],
    ],
    [
      'two sectors with a block between',
      8 * MIB,
      [data(0, 512), data(2 * BLOCK_BYTES, 512)],
      [
        ['blocks', 0, BLOCK_BYTES],
        ['blocks', 2 * BLOCK_BYTES, 3 * BLOCK_BYTES],
      ],
    ],
    [
      'data over a unit border',
      8 * MIB,
      [data(4 * MIB - 512, 1024)],
      [
        ['blocks', 4 * MIB - BLOCK_BYTES, 4 * MIB],
        ['blocks', 4 * MIB, 4 * MIB + BLOCK_BYTES],
      ],
    ],
    ['a disk of zeros that ends inside a block', 512, [zero(0, 512)], [['zeroRun', 0, 512]]],
    [
      'zeros with ends inside blocks',
      8 * MIB,
      [zero(512, 3 * BLOCK_BYTES)],
      [
        ['blocks', 0, BLOCK_BYTES],
        ['zeroRun', BLOCK_BYTES, 3 * BLOCK_BYTES],
        ['blocks', 3 * BLOCK_BYTES, 4 * BLOCK_BYTES],
      ],
    ],
    ['zeros of many units in one run', 16 * MIB, [zero(0, 16 * MIB)], [['zeroRun', 0, 16 * MIB]]],
  ])('are right for %s', async (_name, sizeBytes, ranges, expected) => {
    const units = await all(toUnits(streamOf(ranges), sizeBytes));
    expect(units.map(({ kind, offset, end }) => [kind, offset, end])).toEqual(expected);
  });
});

function isTouching(next: PageRange | undefined, { offset, length, kind }: PageRange): boolean {
  return next?.kind === kind && next.offset === offset + length;
}

describe('gaps of a listing of data', () => {
  it('become zeros, so that the window is covered exactly once', async () => {
    const input = fc.tuple(listing, fc.nat(), fc.nat());
    await fc.assert(
      fc.asyncProperty(input, async ([{ sizeBytes, ranges }, first, second]) => {
        const sectors = sizeBytes / SECTOR_BYTES;
        const edges = [first % sectors, 1 + (second % sectors)].map((edge) => edge * SECTOR_BYTES);
        const window = { start: Math.min(...edges), end: Math.max(...edges) };
        const inside = ranges.flatMap((range) => {
          const clipped = clip({ ...range, kind: 'data' }, window.start, window.end);
          return clipped === null ? [] : [clipped];
        });
        const filled = await all(withGapsAsZeros(streamOf(inside), window));
        let position = window.start;
        for (const range of filled) {
          expect(faultOf(position, range)).toBeNull();
          expect(range.offset).toBe(position);
          position = range.offset + range.length;
        }
        expect(position).toBe(window.end);
        const model = modelOf(sizeBytes, inside);
        model.forEach((what, sector) => {
          const isOutside =
            sector * SECTOR_BYTES < window.start || sector * SECTOR_BYTES >= window.end;
          if (what === UNTOUCHED && !isOutside) model[sector] = ZERO;
        });
        expect(modelOf(sizeBytes, filled)).toEqual(model);
      }),
      { numRuns: 100, seed: 15 },
    );
  });
});

describe('the part of a range inside a window', () => {
  it('holds exactly the bytes that both have', () => {
    const edge = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(edge, fc.integer({ min: 1, max: 30 }), edge, edge, (offset, length, a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const clipped = clip(data(offset, length), start, end);
        const expected = Array.from({ length }, (_, index) => offset + index).filter(
          (byte) => byte >= start && byte < end,
        );
        const found = Array.from({ length: clipped?.length ?? 0 }, (_, i) => i + clipped!.offset);
        expect(found).toEqual(expected);
        expect(clipped?.kind ?? 'data').toBe('data');
      }),
      { numRuns: 500, seed: 16 },
    );
  });

  it('keeps what kind of change it was', () => {
    expect(clip(zero(0, 1024), 512, 4096)).toEqual(zero(512, 512));
  });
});

describe('a listing', () => {
  it.each([
    ['is fine when the range begins where the last one ended', 512, data(512, 512), null],
    ['is fine after a gap', 512, zero(4096, 512), null],
    ['must not hold an empty range', 0, data(512, 0), 'empty'],
    ['must not hold a range of a negative length', 0, data(512, -512), 'empty'],
    ['must begin at a sector', 0, data(100, 512), 'not aligned to 512 bytes'],
    ['must end at a sector', 0, data(512, 100), 'not aligned to 512 bytes'],
    ['must not overlap', 1024, data(512, 512), 'overlapping or out of order'],
  ])('%s', (_name, previousEnd, range, fault) => {
    expect(faultOf(previousEnd, range)).toBe(fault);
  });
});
