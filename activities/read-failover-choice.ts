import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { resolveRecoveryPoint } from '../shared/domain/protected-item.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { pinChoice } from '../shared/services/pin-point.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireItem, requireJob } from './support/records.ts';

/**
 * Which recovery point to boot. An older one is pinned, because the last delta is sealed yet. Idempotent. Throws
 * FB-RCV-001 when a sealed one is wanted of none, and FB-REQ-010 when the chosen one is not there and none can be made.
 */
export const createReadFailoverChoice = ({
  stores,
}: StoreDeps): ActivityHandler<'readFailoverChoice'> =>
  async function readFailoverChoice({ jobId, itemId, isFinalDeltaPossible }) {
    const { failoverTo = 'latest' } = await requireJob(stores, jobId);
    const item = await requireItem(stores, itemId);
    if (failoverTo === 'latest' && isFinalDeltaPossible) return { pointId: null };
    const point = await pinChoice(stores.items, item, failoverTo);
    if (failoverTo !== 'latestProcessed' && isFinalDeltaPossible) {
      return { pointId: point?.pointId ?? failoverTo };
    }
    const newest = resolveRecoveryPoint(item, 'latestProcessed');
    if (newest === null) throw new FailbackError('FB-RCV-001', { machines: item.name });
    if (point === null) {
      const values = { recoveryPoint: failoverTo, itemName: item.name };
      throw new FailbackError('FB-REQ-010', values);
    }
    const { pointId, takenAt, consistency } = point;
    const isNewest = pointId === newest.pointId;
    return { pointId, sealed: { pointId, takenAt, consistency, isNewest } };
  };
