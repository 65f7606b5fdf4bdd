import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';
import { replicaName } from './support/replica.ts';

/** How far the copies of keepReplicaSeed are. Reads only. */
export const createReadReplicaSeed = ({
  stores,
  replicas,
}: Pick<ActivityDeps, 'stores' | 'replicas'>): ActivityHandler<'readReplicaSeed'> =>
  async function readReplicaSeed({ itemId }) {
    const { disks } = await requireItem(stores, itemId);
    const states = await Promise.all(
      disks.map(({ id }) => replicas.seedState(replicaName(itemId, id))),
    );
    const failed = states.find(({ state }) => state === 'failed');
    const isDone = states.every(({ state }) => state === 'done');
    return {
      state: failed ? 'failed' : isDone ? 'done' : 'pending',
      copiedBytes: states.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0),
      totalBytes: states.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
      detail: failed?.detail ?? '',
    };
  };
