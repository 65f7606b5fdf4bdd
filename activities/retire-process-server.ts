import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { setRetired } from './support/agents.ts';
import type { ActivityDeps, StoreDeps } from './support/deps.ts';
import { processServerName } from '../shared/services/process-server-name.ts';
import { requireItem } from './support/records.ts';

/**
 * Deletes the process server once no other machine of its resource group is on the move. Nobody is given it from before
 * the deletion on, which takes minutes; a machine that began to move at that moment keeps it. Idempotent.
 */
export const createRetireProcessServer = ({
  stores,
  processServers,
}: Pick<ActivityDeps, 'stores' | 'processServers'>): ActivityHandler<'retireProcessServer'> =>
  async function retireProcessServer({ itemId }) {
    const { resourceGroup } = await requireItem(stores, itemId);
    const name = processServerName(resourceGroup);
    if (await isUsedByOthers(stores, itemId, name)) return { isDeleted: false };
    await setRetired(stores, name, true);
    // Whoever has found it connected before is seen here.
    if (await isUsedByOthers(stores, itemId, name)) {
      await setRetired(stores, name, false);
      return { isDeleted: false };
    }
    await processServers.remove(resourceGroup, name);
    return { isDeleted: true };
  };

async function isUsedByOthers(
  stores: StoreDeps['stores'],
  itemId: string,
  name: string,
): Promise<boolean> {
  const items = await stores.items.list();
  return items.some(
    (other) =>
      other.id !== itemId &&
      processServerName(other.resourceGroup) === name &&
      other.activeJobId !== null,
  );
}
