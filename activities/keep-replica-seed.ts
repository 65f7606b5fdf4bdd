import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';
import { replicaName } from './support/replica.ts';
import { sourceDisks } from './support/source-disks.ts';

/**
 * Starts the server-side copy of every disk into the page blob that the way back will write to: a
 * managed disk cannot be written once it exists. A copy that runs or is done is left alone.
 */
export const createKeepReplicaSeed = ({
  stores,
  replicas,
}: Pick<ActivityDeps, 'stores' | 'replicas'>): ActivityHandler<'keepReplicaSeed'> =>
  async function keepReplicaSeed({ itemId }) {
    const item = await requireItem(stores, itemId);
    const { resourceGroup } = item;
    for (const { id, ...disk } of sourceDisks(item)) {
      const request = { resourceGroup, ...disk, replicaName: replicaName(itemId, id) };
      await replicas.beginSeed(request);
    }
    return null;
  };
