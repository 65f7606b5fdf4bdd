import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { connectedAgent, setRetired } from './support/agents.ts';
import type { ActivityDeps } from './support/deps.ts';
import { processServerName } from '../shared/services/process-server-name.ts';
import { requireItem } from './support/records.ts';

type Deps = Pick<ActivityDeps, 'stores' | 'clock' | 'vms' | 'processServers'>;

/**
 * Deploys the process server next to the Azure VM, in its subnet, unless it is connected already.
 * Idempotent by name. Registration takes Azure 10–15 minutes more; findAgent tells when.
 */
export const createEnsureProcessServer = (deps: Deps): ActivityHandler<'ensureProcessServer'> =>
  async function ensureProcessServer({ itemId }) {
    const item = await requireItem(deps.stores, itemId);
    const name = processServerName(item.resourceGroup);
    const isConnected = (await connectedAgent(deps, 'processServer', name)) !== null;
    if (isConnected) return { name, isDeployedByUs: true };
    const vm = await deps.vms.describe(item.resourceGroup, item.vmName);
    if (vm === null) throw new FailbackError('FB-PRE-010');
    await deps.processServers.deploy({
      name,
      resourceGroup: item.resourceGroup,
      location: vm.location,
      subnetId: vm.subnetId,
    });
    // Of one that was to be deleted and is still there nothing else would be heard: it registers once.
    await setRetired(deps.stores, name, false);
    return { name, isDeployedByUs: true };
  };
