import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';
import { sourceDisks } from './support/source-disks.ts';

/** Ends all read access to the item's snapshots and removes those that are not kept. Idempotent. */
export const createPruneSnapshots = ({
  stores,
  snapshots,
}: Pick<ActivityDeps, 'stores' | 'snapshots'>): ActivityHandler<'pruneSnapshots'> =>
  async function pruneSnapshots({ itemId, keep }) {
    const item = await requireItem(stores, itemId);
    const { resourceGroup } = item;
    return snapshots.prune({ resourceGroup, itemId, disks: sourceDisks(item), keep });
  };
