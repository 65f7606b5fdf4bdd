import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem, updateItem } from './support/records.ts';

/**
 * Notes whether the Azure VM runs, so that going back leaves it as it was. Idempotent: what was noted before a
 * shutdown that broke off stays, because by now the VM may be off because of us.
 */
export const createNoteSourcePower = ({
  stores,
  vms,
}: Pick<ActivityDeps, 'stores' | 'vms'>): ActivityHandler<'noteSourcePower'> =>
  async function noteSourcePower({ itemId }) {
    const { resourceGroup, vmName, wasSourceRunning: known } = await requireItem(stores, itemId);
    if (known !== undefined) return null;
    const power = await vms.powerState(resourceGroup, vmName);
    // A VM that changes counts as running: better one that runs again than a machine that is nowhere.
    const wasSourceRunning = power === 'running' || power === 'changing';
    await updateItem(stores, itemId, (item) =>
      item.wasSourceRunning === undefined ? { ...item, wasSourceRunning } : item,
    );
    return null;
  };
