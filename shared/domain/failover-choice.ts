import { FailbackError } from '../errors/failback-error.ts';
import type { Job } from './job.ts';
import type { Phase } from './phases.ts';
import { type ProtectedItem, type RecoveryPoint, resolveRecoveryPoint } from './protected-item.ts';

/** `latest` is made after the shutdown, so nothing comes after it. Minutes, with one decimal. */
export function dataLossMinutes(
  recoveryPoint: string,
  point: RecoveryPoint | null,
  now: Date,
): number | null {
  if (recoveryPoint === 'latest') return 0;
  if (point === null) return null;
  const minutes = (now.getTime() - Date.parse(point.takenAt)) / 60_000;
  // Rounded up: a loss never looks smaller than it is.
  return Math.max(0, Math.ceil(minutes * 10) / 10);
}

interface Choice {
  readonly phase: Phase;
  readonly recoveryPoint: string;
  readonly maxDataLossMinutes?: number | undefined;
  readonly now: Date;
}

/**
 * Why the machine cannot be failed over as it was asked for; `null` when it can. Before the gate is reached
 * `latest` is a standing order, which waits for the first recovery point by itself.
 */
export function refusalOfFailover(
  item: Pick<ProtectedItem, 'name' | 'recoveryPoints'>,
  { phase, recoveryPoint, maxDataLossMinutes, now }: Choice,
): FailbackError | null {
  const { name: itemName, recoveryPoints = [] } = item;
  const isStandingOrder = recoveryPoint === 'latest' && phase !== 'replicating';
  if (isStandingOrder) return null;
  if (recoveryPoints.length === 0) return new FailbackError('FB-RCV-001', { machines: itemName });
  const point = resolveRecoveryPoint(item, recoveryPoint);
  if (point === null) return new FailbackError('FB-REQ-010', { recoveryPoint, itemName });
  const lossMinutes = dataLossMinutes(recoveryPoint, point, now) ?? 0;
  if (maxDataLossMinutes === undefined || lossMinutes <= maxDataLossMinutes) return null;
  const values = { itemName, recoveryPoint, lossMinutes, maxMinutes: maxDataLossMinutes };
  return new FailbackError('FB-RCV-002', values);
}

/** The longest of the latest deltas; `null` before the first. */
export function finalDeltaSeconds({ cycles }: Pick<Job, 'cycles'>): number | null {
  const deltas = cycles.filter(({ kind }) => kind === 'delta').slice(-RECENT_DELTAS);
  if (deltas.length === 0) return null;
  return Math.ceil(Math.max(...deltas.map(({ durationMs }) => durationMs)) / 1000);
}

const RECENT_DELTAS = 3;

/** Seconds from the proof to the sign of life; `null` where the job booted nothing. */
export function bootSecondsOf({ history, report }: Pick<Job, 'history' | 'report'>): number | null {
  const began = history.find(({ phase }) => phase === 'booting');
  if (began === undefined || report.bootedAt === undefined) return null;
  return Math.max(0, Math.ceil((Date.parse(report.bootedAt) - Date.parse(began.at)) / 1000));
}
