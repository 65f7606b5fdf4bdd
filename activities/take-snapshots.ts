import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';
import { sourceDisks } from './support/source-disks.ts';

/** All disks at one instant, as far as Azure can. Run again with the same point it finds what it took. */
export const createTakeSnapshots = ({
  stores,
  snapshots,
}: Pick<ActivityDeps, 'stores' | 'snapshots'>): ActivityHandler<'takeSnapshots'> =>
  async function takeSnapshots(input) {
    const { itemId, pointId, consistency = 'crashConsistent', isOneInstantWanted = false } = input;
    const item = await requireItem(stores, itemId);
    const { resourceGroup, vmName } = item;
    const disks = sourceDisks(item);
    const point = { itemId, pointId, consistency, isOneInstantWanted };
    const request = { resourceGroup, vmName, disks, ...point };
    const { takenAt, ...taken } = await snapshots.take(request);
    return { takenAt: takenAt.toISOString(), ...taken };
  };
