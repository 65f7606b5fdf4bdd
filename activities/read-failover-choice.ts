import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { pinChoice } from '../shared/services/pin-point.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireItem, requireJob } from './support/records.ts';

/**
 * Which recovery point to boot. An older one is pinned, because the last delta is sealed yet. Idempotent. Throws
 * FB-RCV-001 when the newest sealed one is wanted of none.
 */
export const createReadFailoverChoice = ({
  stores,
}: StoreDeps): ActivityHandler<'readFailoverChoice'> =>
  async function readFailoverChoice({ jobId, itemId }) {
    const { failoverTo = 'latest' } = await requireJob(stores, jobId);
    const item = await requireItem(stores, itemId);
    if (failoverTo === 'latest') return { pointId: null };
    const point = await pinChoice(stores.items, item, failoverTo);
    if (failoverTo !== 'latestProcessed') return { pointId: point?.pointId ?? failoverTo };
    if (point === null) throw new FailbackError('FB-RCV-001', { machines: item.name });
    const { pointId, takenAt } = point;
    return { pointId, sealed: { pointId, takenAt } };
  };
