import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { keepRecoveryPoint } from './support/recovery-point-record.ts';
import { requireItem, updateItem } from './support/records.ts';
import { replicaName } from './support/replica.ts';

/** Makes what the replica blobs hold now a recovery point in Azure. Idempotent by pointId. */
export const createSealReplica = ({
  stores,
  replicas,
}: Pick<ActivityDeps, 'stores' | 'replicas'>): ActivityHandler<'sealReplica'> =>
  async function sealReplica({ itemId, pointId, takenAt }) {
    const { disks } = await requireItem(stores, itemId);
    for (const { id } of disks) await replicas.seal(replicaName(itemId, id), pointId);
    await keepRecoveryPoint(stores, {
      itemId,
      pointId,
      takenAt,
      place: 'azure',
      consistency: 'crashConsistent',
    });
    await updateItem(stores, itemId, (item) => ({ ...item, lastRecoveryPointAt: takenAt }));
    return null;
  };
