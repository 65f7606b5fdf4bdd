import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';

/** Removes the item's snapshots that are not kept, and with them their access grants. Idempotent. */
export const createPruneSnapshots = ({
  stores,
  snapshots,
}: Pick<ActivityDeps, 'stores' | 'snapshots'>): ActivityHandler<'pruneSnapshots'> =>
  async function pruneSnapshots({ itemId, keep }) {
    const { resourceGroup } = await requireItem(stores, itemId);
    const all = await snapshots.listOfItem(resourceGroup, itemId);
    const obsolete = all.filter((name) => !keep.includes(name));
    for (const name of obsolete) await snapshots.remove(resourceGroup, name);
    return { deleted: obsolete.length };
  };
