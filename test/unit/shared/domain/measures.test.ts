import { describe, expect, it } from '@jest/globals';
import { changeBytesPerDay } from '../../../../shared/domain/change-rate.ts';
import { clockSkewSeconds } from '../../../../shared/domain/clock-skew.ts';
import type { CycleStatistics } from '../../../../shared/domain/job.ts';

const NOW = new Date('2026-03-02T12:00:00.000Z');
const HOUR_MS = 3_600_000;

const cycle = (hoursAgo: number, changedBytes: number): CycleStatistics => ({
  cycle: 1,
  kind: 'delta',
  pointId: `p-${hoursAgo}`,
  takenAt: new Date(NOW.getTime() - hoursAgo * HOUR_MS).toISOString(),
  consistency: 'crashConsistent',
  changedBytes,
  zeroBytes: 0,
  readBytes: 0,
  sentBytes: 0,
  wireBytes: 0,
  durationMs: 1,
  reasons: [],
});

describe('the change rate of a machine', () => {
  it('is what the deltas of the last day held, as a day of it', () => {
    const cycles = [cycle(30, 1e12), cycle(12, 1e12), cycle(6, 3000), cycle(0, 9000)];
    expect(changeBytesPerDay(cycles, NOW)).toBe(24_000);
  });

  it.each([
    ['nothing was replicated', []],
    ['there is only the first copy', [cycle(1, 1e9)]],
    ['all is older than a day', [cycle(26, 1), cycle(25, 1)]],
    ['only minutes were measured', [cycle(0.1, 1), cycle(0, 1e9)]],
  ])('is not known while %s', (_what, cycles) => {
    expect(changeBytesPerDay(cycles, NOW)).toBeNull();
  });
});

describe('the clock of an agent', () => {
  const skew = (observedSecond: number, seenSecond: number): number => {
    const at = (second: number): Date => new Date(NOW.getTime() + second * 1000);
    return clockSkewSeconds(at(observedSecond).toISOString(), at(0), at(seenSecond));
  };

  it.each([
    ['answers in between', 5, 10, 0],
    ['answers at the moment it is asked', 0, 10, 0],
    ['answers at the moment it is heard', 10, 10, 0],
    ['is ahead of the moment it is heard', 100, 10, 90],
    ['is behind the moment it is asked', -75, 10, -75],
  ])('that %s', (_what, observed, seen, seconds) => {
    expect(skew(observed, seen)).toBe(seconds);
  });

  it('is not blamed for a long way', () => {
    expect(skew(250, 300)).toBe(0);
  });
});
