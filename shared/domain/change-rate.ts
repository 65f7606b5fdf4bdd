import type { CycleStatistics } from './job.ts';

const DAY_MS = 86_400_000;
/** Less than this and one busy minute would be taken for a busy day. */
const MIN_MEASURED_MS = 10 * 60_000;

/**
 * Bytes a day that a machine changes, from the deltas of the last day; `null` while less than ten minutes were
 * measured. A delta holds what changed since the point before it, so the first point only begins the measure.
 */
export function changeBytesPerDay(cycles: readonly CycleStatistics[], now: Date): number | null {
  const since = now.getTime() - DAY_MS;
  const recent = cycles
    .filter(({ takenAt }) => Date.parse(takenAt) >= since)
    .toSorted((a, b) => Date.parse(a.takenAt) - Date.parse(b.takenAt));
  const [first, ...deltas] = recent;
  const last = deltas.at(-1);
  if (first === undefined || last === undefined) return null;
  const measuredMs = Date.parse(last.takenAt) - Date.parse(first.takenAt);
  if (measuredMs < MIN_MEASURED_MS) return null;
  const bytes = deltas.reduce((sum, { changedBytes }) => sum + changedBytes, 0);
  return Math.round((bytes * DAY_MS) / measuredMs);
}
