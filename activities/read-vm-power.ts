import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';

/** Whether the Azure VM runs, is stopped, or is gone. Reads only. */
export const createReadVmPower = ({
  stores,
  vms,
}: Pick<ActivityDeps, 'stores' | 'vms'>): ActivityHandler<'readVmPower'> =>
  async function readVmPower({ itemId }) {
    const { resourceGroup, vmName } = await requireItem(stores, itemId);
    return { powerState: await vms.powerState(resourceGroup, vmName) };
  };
