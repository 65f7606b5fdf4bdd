import type { ActivityHandler, PowerState } from '../shared/contracts/activities.ts';
import type { PowerAction } from '../shared/ports/azure.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';

/** States in which the change is done already; one that is under way is asked for again, which is harmless. */
const DONE: Record<PowerAction, readonly PowerState[]> = {
  powerOff: ['stopped', 'deallocated'],
  deallocate: ['deallocated'],
  start: ['running'],
};

/** Asks Azure to shut the guest down, to release the host, or to start it. Idempotent by state. */
export const createChangeVmPower = ({
  stores,
  vms,
}: Pick<ActivityDeps, 'stores' | 'vms'>): ActivityHandler<'changeVmPower'> =>
  async function changeVmPower({ itemId, action }) {
    const { resourceGroup, vmName } = await requireItem(stores, itemId);
    const state = await vms.powerState(resourceGroup, vmName);
    if (!DONE[action].includes(state)) await vms.beginPowerChange(resourceGroup, vmName, action);
    return null;
  };
