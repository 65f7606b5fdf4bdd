import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { updateRecord } from '../shared/services/update-record.ts';
import type { ActivityDeps, StoreDeps } from './support/deps.ts';
import { processServerName } from '../shared/services/process-server-name.ts';
import { requireItem } from './support/records.ts';

const LONG_AGO = new Date(0).toISOString();

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
    await forgetHeartbeat(stores, name);
    return { isDeleted: true };
  };

/** It would count as connected for a while yet, and be given work that nobody does. */
async function forgetHeartbeat(stores: StoreDeps['stores'], name: string): Promise<void> {
  for (const agent of await stores.agents.list()) {
    if (agent.kind !== 'processServer' || agent.name !== name) continue;
    await updateRecord(stores.agents, agent.id, (gone) => ({
      ...gone,
      heartbeatAt: LONG_AGO,
      isRetired: true,
    }));
  }
}
