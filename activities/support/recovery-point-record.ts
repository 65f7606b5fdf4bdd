import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { RecoveryPointRecord, Stores } from '../../shared/ports/stores.ts';

/** Milliseconds that any date of ours stays below; subtracting makes newer ids sort first. */
const END_OF_TIME_MS = 9_999_999_999_999;

/** Writes the recovery point; one that is there already stays as it is. */
export async function keepRecoveryPoint(
  stores: Stores,
  point: Omit<RecoveryPointRecord, 'id'>,
): Promise<void> {
  const ticks = String(END_OF_TIME_MS - Date.parse(point.takenAt)).padStart(13, '0');
  try {
    await stores.recoveryPoints.create({ ...point, id: `${ticks}-${point.pointId}` });
  } catch (error) {
    if (!(error instanceof FailbackError && error.code === 'FB-REQ-008')) throw error;
  }
}
