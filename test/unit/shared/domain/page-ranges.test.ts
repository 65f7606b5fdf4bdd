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
  widenToBlocks,
  withGapsAsZeros,
} from '../../../../shared/domain/page-ranges.ts';
import { must } from '../../../support/must.ts';

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
  unit.kind === 'data' ? unit.ranges : [zero(unit.offset, unit.end - unit.offset)];

const MAX_GAP_BYTES = 128 * 1024;

describe('units of a transfer', () => {
  it('hold every changed sector exactly once, in order, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(listing, async ({ sizeBytes, ranges }) => {
        const units = await all(toUnits(streamOf(ranges)));
        const pieces = units.flatMap(rangesIn);
        const sectors = pieces.reduce((sum, { length }) => sum + length / SECTOR_BYTES, 0);
        const model = modelOf(sizeBytes, ranges);
        expect(modelOf(sizeBytes, pieces)).toEqual(model);
        expect(sectors).toBe(model.filter((what) => what !== UNTOUCHED).length);
        const offsets = pieces.map(({ offset }) => offset);
        expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  it('are read in one request each, and read little that did not change', async () => {
    await fc.assert(
      fc.asyncProperty(listing, async ({ ranges }) => {
        for (const unit of await all(toUnits(streamOf(ranges)))) {
          if (unit.kind === 'zero') continue;
          expect(unit.end - unit.offset).toBeLessThanOrEqual(UNIT_BYTES);
          const parts = unit.ranges.filter(({ kind }) => kind === 'data');
          expect(parts[0]?.offset).toBe(unit.offset);
          let end = unit.offset;
          for (const { offset, length } of unit.ranges) {
            expect(offset - end).toBeLessThanOrEqual(MAX_GAP_BYTES);
            end = offset + length;
          }
        }
      }),
      { numRuns: 200, seed: 13 },
    );
  });

  it.each([
    ['nothing', [], []],
    ['one sector', [data(512, 512)], [['data', 512, 1024]]],
    [
      'two sectors near each other',
      [data(0, 512), data(64 * 1024, 512)],
      [['data', 0, 64 * 1024 + 512]],
    ],
    [
      'two sectors far from each other',
      [data(0, 512), data(MAX_GAP_BYTES + 1024, 512)],
      [
        ['data', 0, 512],
        ['data', MAX_GAP_BYTES + 1024, MAX_GAP_BYTES + 1536],
      ],
    ],
    [
      'data over a unit border',
      [data(4 * MIB - 512, 1024)],
      [
        ['data', 4 * MIB - 512, 4 * MIB],
        ['data', 4 * MIB, 4 * MIB + 512],
      ],
    ],
    [
      'a few zeros between data',
      [data(0, 512), zero(512, 512), data(1024, 512)],
      [['data', 0, 1536]],
    ],
    [
      'many zeros between data',
      [data(0, 512), zero(512, MIB), data(MIB + 512, 512)],
      [
        ['data', 0, 512],
        ['zero', 512, MIB + 512],
        ['data', MIB + 512, MIB + 1024],
      ],
    ],
    ['zeros of many units in one run', [zero(0, 16 * MIB)], [['zero', 0, 16 * MIB]]],
  ])('are right for %s', async (_name, ranges, expected) => {
    const units = await all(toUnits(streamOf(ranges)));
    expect(units.map(({ kind, offset, end }) => [kind, offset, end])).toEqual(expected);
  });
});

describe('data widened to blocks', () => {
  it('covers exactly the blocks that hold data, and no range touches the next', async () => {
    await fc.assert(
      fc.asyncProperty(listing, async ({ sizeBytes, ranges }) => {
        const widened = await all(widenToBlocks(streamOf(ranges), sizeBytes));
        const model = modelOf(sizeBytes, ranges);
        const covered = modelOf(sizeBytes, widened);
        for (let start = 0; start < sizeBytes; start += BLOCK_BYTES) {
          const [from, to] = [start / SECTOR_BYTES, (start + BLOCK_BYTES) / SECTOR_BYTES];
          const hasData = model.subarray(from, to).includes(DATA);
          expect(covered.subarray(from, to).every((what) => (what === DATA) === hasData)).toBe(
            true,
          );
        }
        let end = -1;
        for (const { offset, length } of widened) {
          expect(offset).toBeGreaterThan(end);
          end = offset + length;
        }
      }),
      { numRuns: 200, seed: 17 },
    );
  });
});

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
        const found = Array.from(
          { length: clipped?.length ?? 0 },
          (_, i) => i + must(clipped, 'the clipped range').offset,
        );
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
