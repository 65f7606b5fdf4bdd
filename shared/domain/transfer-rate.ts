import type { CycleStatistics } from './job.ts';

/** Of less, what was waited for at the beginning and at the end says more than the line. */
const MIN_MEASURED_BYTES = 64 * 1024 ** 2;

/** Where a rate was measured: in earlier cycles of the machine itself, or of others behind its process server. */
export interface MeasuredRate {
  readonly of: 'machine' | 'processServer';
  /** Of disk data, before compression. */
  readonly bytesPerSecond: number;
}

/** Disk data a second in the cycles that sent enough to tell; `null` = none did. */
export function sentBytesPerSecond(
  cycles: readonly Pick<CycleStatistics, 'sentBytes' | 'durationMs'>[],
): number | null {
  const telling = cycles.filter(
    ({ sentBytes, durationMs }) => sentBytes >= MIN_MEASURED_BYTES && durationMs > 0,
  );
  if (telling.length === 0) return null;
  const bytes = telling.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  const milliseconds = telling.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return Math.round((bytes * 1000) / milliseconds);
}
