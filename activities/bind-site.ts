import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { VmShape } from '../shared/contracts/commands.ts';
import {
  diskShapeOf,
  masterTargetOf,
  type ProtectedItem,
} from '../shared/domain/protected-item.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import type { AgentRecord } from '../shared/ports/stores.ts';
import type { AzureVmDescription } from '../shared/ports/azure.ts';
import { connectedAgent } from './support/agents.ts';
import { assertAllDisksKnown } from './support/known-disks.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';

type Deps = Pick<ActivityDeps, 'stores' | 'clock' | 'vms'>;

/**
 * Looks up who takes part: the configuration server and master target of the item, and the shape of the
 * machine. Reads only. FB-ORC-010 when an agent is not connected, FB-AZ-003 when a disk was replaced, FB-AZ-008 when
 * there is one that the item does not know.
 */
export const createBindSite = (deps: Deps): ActivityHandler<'bindSite'> =>
  async function bindSite({ itemId }) {
    const item = await requireItem(deps.stores, itemId);
    const { configurationServer } = item.target;
    const masterTarget = masterTargetOf(item) ?? 'for this machine';
    const [server, target] = await Promise.all([
      requireAgent(deps, 'configurationServer', configurationServer),
      requireAgent(deps, 'masterTarget', masterTarget),
    ]);
    if (target.address === null) throw notConnected('masterTarget', masterTarget);
    const azureVm = await deps.vms.describe(item.resourceGroup, item.vmName);
    if (azureVm !== null) assertDisksUnchanged(item, azureVm);
    return {
      item,
      vm: shapeOf(item, azureVm),
      configurationServerId: server.id,
      masterTarget: target.name,
      masterTargetId: target.id,
      masterTargetAddress: target.address,
    };
  };

async function requireAgent(
  deps: Deps,
  kind: AgentRecord['kind'],
  name: string,
): Promise<AgentRecord> {
  const agent = await connectedAgent(deps, kind, name);
  if (agent === null) throw notConnected(kind, name);
  return agent;
}

function notConnected(kind: AgentRecord['kind'], name: string): FailbackError {
  return new FailbackError('FB-ORC-010', { kind, name });
}

function assertDisksUnchanged(item: ProtectedItem, azureVm: AzureVmDescription): void {
  for (const disk of item.disks) {
    const actual = azureVm.disks.find(({ id }) => id === disk.id);
    if (actual?.diskName !== disk.diskName || actual.sizeBytes !== disk.sizeBytes) {
      throw new FailbackError('FB-AZ-003', { diskName: disk.diskName, vmName: item.vmName });
    }
  }
  assertAllDisksKnown(item, azureVm);
}

/** After the commit the Azure VM is gone; the way back only needs the disks. */
function shapeOf(item: ProtectedItem, azureVm: AzureVmDescription | null): VmShape {
  return {
    name: item.target.vmName,
    osType: item.osType,
    firmware: azureVm?.firmware ?? 'bios',
    cpuCount: azureVm?.cpuCount ?? 1,
    memoryMiB: azureVm?.memoryMiB ?? 1024,
    disks: item.disks.map((disk) => diskShapeOf(item, disk)),
    networks: item.target.networks.map((network) => ({ ...network })),
    osName: item.failoverRecord?.osName,
  };
}
