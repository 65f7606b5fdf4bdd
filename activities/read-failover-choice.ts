import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { resolveRecoveryPoint } from '../shared/domain/protected-item.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireItem, requireJob } from './support/records.ts';

/** Which recovery point to boot. Reads only. */
export const createReadFailoverChoice = ({
  stores,
}: StoreDeps): ActivityHandler<'readFailoverChoice'> =>
  async function readFailoverChoice({ jobId, itemId }) {
    const { failoverTo = 'latest' } = await requireJob(stores, jobId);
    const item = await requireItem(stores, itemId);
    if (failoverTo === 'latest') return { pointId: null };
    return { pointId: resolveRecoveryPoint(item, failoverTo)?.pointId ?? failoverTo };
  };
