import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';

/** What the preflight rules need to know from Azure. Reads only. */
export const createGatherAzureFacts = ({
  stores,
  vms,
}: Pick<ActivityDeps, 'stores' | 'vms'>): ActivityHandler<'gatherAzureFacts'> =>
  async function gatherAzureFacts({ itemId }) {
    const item = await requireItem(stores, itemId);
    return vms.gatherFacts(item.resourceGroup, item.vmName);
  };
