import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { lossBehind } from '../shared/domain/source-state.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem, requireJob } from './support/records.ts';
import { replicaName } from './support/replica.ts';

/**
 * Starts the server-side copy of every disk into the page blob that the way back will write to: a
 * managed disk cannot be written once it exists. It is made of the snapshots that the last sealed point stands
 * for, not of the disks: what the site knows ends there, and the disks may have changed since. A copy that runs or
 * is done is left alone. Throws FB-ORC-009 when a snapshot is not known, FB-SRC-005 when Azure does not have it any more.
 */
export const createKeepReplicaSeed = ({
  stores,
  replicas,
}: Pick<ActivityDeps, 'stores' | 'replicas'>): ActivityHandler<'keepReplicaSeed'> =>
  async function keepReplicaSeed({ jobId, itemId }) {
    const { name, resourceGroup, disks, base } = await requireItem(stores, itemId);
    const { seededAt = null } = (await requireJob(stores, jobId)).report;
    // The snapshots may be gone by now.
    if (seededAt !== null) return { seededAt };
    const seeds = disks.map(({ id, diskName }) => {
      const snapshotName = base[id];
      if (snapshotName !== undefined) {
        return { diskName, snapshotName, replicaName: replicaName(itemId, id) };
      }
      const reason = 'the snapshot of the last recovery point is not known';
      throw new FailbackError('FB-ORC-009', { diskName, reason });
    });
    for (const { diskName, ...seed } of seeds) {
      try {
        await replicas.beginSeed({ resourceGroup, ...seed });
      } catch (error) {
        const isGone = error instanceof FailbackError && lossBehind(error.toRecord()) === 'gone';
        if (!isGone) throw error;
        const values = { itemName: name, diskName, snapshotName: seed.snapshotName };
        throw new FailbackError('FB-SRC-005', values, { cause: error });
      }
    }
    return { seededAt };
  };
