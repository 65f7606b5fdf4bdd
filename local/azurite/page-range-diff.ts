import type { StoredRange } from './internals.ts';

/** Half-open, in bytes. */
export interface ListedRange {
  readonly start: number;
  readonly end: number;
  readonly isClear: boolean;
}

interface Window {
  readonly start: number;
  readonly end: number;
}

/**
 * What was written and what was cleared between two states of one blob. Bytes are the same when they
 * are the same stretch of the same stored chunk; identical bytes written again count as changed, as in Azure.
 */
export function diffRanges(
  older: readonly StoredRange[],
  newer: readonly StoredRange[],
  window: Window,
): readonly ListedRange[] {
  const edges = [...older, ...newer].flatMap(({ start, end }) => [start, end + 1]);
  const inside = edges.filter((edge) => edge > window.start && edge < window.end);
  const cuts = [...new Set([window.start, ...inside, window.end])].toSorted((a, b) => a - b);
  const [before, after] = [new Cursor(older), new Cursor(newer)];
  const found: ListedRange[] = [];
  for (let index = 0; index + 1 < cuts.length; index += 1) {
    const [start = 0, end = 0] = [cuts[index], cuts[index + 1]];
    const [was, is] = [before.identityAt(start), after.identityAt(start)];
    if (was === is) continue;
    found.push({ start, end, isClear: is === null });
  }
  return mergeAdjacent(found);
}

/** Plain listing of what holds data. */
export function listRanges(ranges: readonly StoredRange[], window: Window): readonly ListedRange[] {
  const cut = ranges.map(({ start, end }) => ({
    start: Math.max(start, window.start),
    end: Math.min(end + 1, window.end),
    isClear: false,
  }));
  return mergeAdjacent(cut.filter(({ start, end }) => start < end));
}

function mergeAdjacent(ranges: readonly ListedRange[]): readonly ListedRange[] {
  const merged: ListedRange[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last?.end === range.start && last.isClear === range.isClear) {
      merged[merged.length - 1] = { ...last, end: range.end };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** Walks ranges in order; positions asked for only grow. */
class Cursor {
  readonly #ranges: readonly StoredRange[];
  #index = 0;

  constructor(ranges: readonly StoredRange[]) {
    this.#ranges = ranges;
  }

  /** Chunk and place in it of the byte at this position; `null` where nothing is stored. */
  identityAt(position: number): string | null {
    while ((this.#ranges[this.#index]?.end ?? Number.POSITIVE_INFINITY) < position) {
      this.#index += 1;
    }
    const range = this.#ranges[this.#index];
    if (range === undefined || range.start > position) return null;
    const { id, offset } = range.persistency;
    return `${id}@${offset + position - range.start}`;
  }
}
