import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem, requireJob } from './support/records.ts';
import { replicaName } from './support/replica.ts';
import { sourceDisks } from './support/source-disks.ts';

/**
 * Starts the server-side copy of every disk into the page blob that the way back will write to: a
 * managed disk cannot be written once it exists. A copy that runs or is done is left alone. Without a last
 * delta the site knows the disks as of the last sealed point only, so the replica has to begin there, too.
 */
export const createKeepReplicaSeed = ({
  stores,
  replicas,
}: Pick<ActivityDeps, 'stores' | 'replicas'>): ActivityHandler<'keepReplicaSeed'> =>
  async function keepReplicaSeed({ jobId, itemId }) {
    const item = await requireItem(stores, itemId);
    const { report } = await requireJob(stores, jobId);
    const snapshotOf = report.isFinalDeltaSent === false ? item.base : {};
    const { resourceGroup } = item;
    for (const { id, ...disk } of sourceDisks(item)) {
      const snapshotName = snapshotOf[id];
      const request = {
        resourceGroup,
        ...disk,
        replicaName: replicaName(itemId, id),
        ...(snapshotName === undefined ? {} : { snapshotName }),
      };
      await replicas.beginSeed(request);
    }
    return null;
  };
