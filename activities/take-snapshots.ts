import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';

/**
 * One incremental snapshot a disk, named after the point and the disk: run again it finds them.
 * Snapshots of several disks are not one instant while the VM runs; only the final point, taken after
 * the shutdown, is booted from.
 */
export const createTakeSnapshots = ({
  stores,
  snapshots,
}: Pick<ActivityDeps, 'stores' | 'snapshots'>): ActivityHandler<'takeSnapshots'> =>
  async function takeSnapshots({ itemId, pointId }) {
    const { resourceGroup, disks } = await requireItem(stores, itemId);
    const taken = await Promise.all(
      disks.map(async ({ id, diskName }) => {
        const snapshotName = `${pointId}-${id}`;
        const request = { resourceGroup, itemId, diskName, snapshotName };
        const { takenAt } = await snapshots.take(request);
        return { id, snapshotName, takenAt };
      }),
    );
    const earliest = Math.min(...taken.map(({ takenAt }) => takenAt.getTime()));
    return {
      takenAt: new Date(earliest).toISOString(),
      snapshots: Object.fromEntries(taken.map(({ id, snapshotName }) => [id, snapshotName])),
    };
  };
