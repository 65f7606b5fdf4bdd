import { recoveryPointId } from '../../shared/domain/newest-first.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { RecoveryPointRecord, Stores } from '../../shared/ports/stores.ts';

/** Writes the recovery point; one that is there already stays as it is. */
export async function keepRecoveryPoint(
  stores: Stores,
  point: Omit<RecoveryPointRecord, 'id'>,
): Promise<void> {
  try {
    await stores.recoveryPoints.create({ ...point, id: recoveryPointId(point.itemId, point) });
  } catch (error) {
    if (!(error instanceof FailbackError && error.code === 'FB-REQ-008')) throw error;
  }
}
