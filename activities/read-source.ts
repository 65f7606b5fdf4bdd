import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { lookForWholeSource } from '../shared/services/look-at-source.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';

/** Whether the Azure VM and all of its disks are still there. Reads only; what Azure does not answer is an answer. */
export const createReadSource = ({
  stores,
  vms,
}: Pick<ActivityDeps, 'stores' | 'vms'>): ActivityHandler<'readSource'> =>
  async function readSource({ itemId }) {
    return lookForWholeSource(vms, await requireItem(stores, itemId));
  };
