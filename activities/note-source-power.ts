import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { lookAtSource } from '../shared/services/look-at-source.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem, updateItem } from './support/records.ts';

/**
 * Looks whether the Azure VM is there, and notes whether it runs, so that going back leaves it as it was. Idempotent:
 * what was noted before a shutdown that broke off stays, because by now the VM may be off because of us. What Azure
 * refuses or does not answer is an answer, and notes nothing.
 */
export const createNoteSourcePower = ({
  stores,
  vms,
}: Pick<ActivityDeps, 'stores' | 'vms'>): ActivityHandler<'noteSourcePower'> =>
  async function noteSourcePower({ itemId }) {
    const found = await requireItem(stores, itemId);
    const { power, ...sight } = await lookAtSource(vms, found);
    if (power === null || found.wasSourceRunning !== undefined) return sight;
    // A VM that changes counts as running: better one that runs again than a machine that is nowhere.
    const wasSourceRunning = power === 'running' || power === 'changing';
    await updateItem(stores, itemId, (item) =>
      item.wasSourceRunning === undefined ? { ...item, wasSourceRunning } : item,
    );
    return sight;
  };
