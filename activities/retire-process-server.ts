import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { processServerName } from './support/process-server-name.ts';
import { requireItem } from './support/records.ts';

/** Deletes the process server once no other machine of its resource group is on the move. Idempotent. */
export const createRetireProcessServer = ({
  stores,
  processServers,
}: Pick<ActivityDeps, 'stores' | 'processServers'>): ActivityHandler<'retireProcessServer'> =>
  async function retireProcessServer({ itemId }) {
    const item = await requireItem(stores, itemId);
    const name = processServerName(item.resourceGroup);
    const items = await stores.items.list();
    const isStillUsed = items.some(
      (other) =>
        other.id !== itemId &&
        processServerName(other.resourceGroup) === name &&
        other.activeJobId !== null,
    );
    if (isStillUsed) return { isDeleted: false };
    await processServers.remove(item.resourceGroup, name);
    return { isDeleted: true };
  };
