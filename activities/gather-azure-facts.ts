import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { ActivityDeps } from './support/deps.ts';
import { processServerName } from '../shared/services/process-server-name.ts';
import { requireItem } from './support/records.ts';

/** What the preflight rules need to know from Azure. Reads only. */
export const createGatherAzureFacts = ({
  stores,
  vms,
}: Pick<ActivityDeps, 'stores' | 'vms'>): ActivityHandler<'gatherAzureFacts'> =>
  async function gatherAzureFacts({ itemId }) {
    const { resourceGroup, vmName, azureVmId } = await requireItem(stores, itemId);
    const [vm, network, processServer] = await Promise.all([
      vms.gatherFacts(resourceGroup, vmName, azureVmId ?? null),
      vms.gatherNetwork(resourceGroup, vmName),
      vms.virtualNetworkOf(resourceGroup, processServerName(resourceGroup)),
    ]);
    const processServerVm = processServer === null ? null : { virtualNetworkId: processServer };
    return { vm, network, processServerVm };
  };
