import type { PowerState } from '../contracts/activities.ts';
import type { ProtectedItem } from '../domain/protected-item.ts';
import type { SourceSight } from '../domain/source-state.ts';
import { FailbackError } from '../errors/failback-error.ts';
import type { AzureVirtualMachines } from '../ports/azure.ts';

type Place = Pick<ProtectedItem, 'resourceGroup' | 'vmName'>;

/**
 * How the Azure VM is now. Azure's failures are an answer, too: `power` is then `null`. A VM that was moved counts as
 * one that cannot be reached, because it may run.
 */
export async function lookAtSource(
  vms: Pick<AzureVirtualMachines, 'powerState' | 'gatherFacts'>,
  { resourceGroup, vmName, azureVmId }: Place & Pick<ProtectedItem, 'azureVmId'>,
): Promise<SourceSight & { readonly power: PowerState | null }> {
  try {
    const power = await vms.powerState(resourceGroup, vmName);
    if (power !== 'absent') return { state: 'there', reason: '', power };
    const { whereabouts } = await vms.gatherFacts(resourceGroup, vmName, azureVmId ?? null);
    if (whereabouts?.kind === 'moved') {
      const reason = `${vmName} was moved to the resource group ${whereabouts.resourceGroup}`;
      return { state: 'unreachable', reason, power: null };
    }
    const reason = `Azure knows no VM ${vmName} in the resource group ${resourceGroup}`;
    return { state: 'gone', reason, power };
  } catch (error) {
    if (!(error instanceof FailbackError)) throw error;
    return { state: 'unreachable', reason: error.toRecord().message, power: null };
  }
}

/**
 * Whether all that the machine has in Azure is still there, so that nothing of ours is the last copy. A disk that the
 * VM lost is as bad as a VM that is lost.
 */
export async function lookForWholeSource(
  vms: Pick<AzureVirtualMachines, 'describe'>,
  { resourceGroup, vmName, disks }: Place & Pick<ProtectedItem, 'disks'>,
): Promise<SourceSight> {
  try {
    const azureVm = await vms.describe(resourceGroup, vmName);
    if (azureVm === null) {
      return { state: 'gone', reason: `Azure knows no VM ${vmName} in ${resourceGroup}` };
    }
    const lost = disks.find(
      ({ diskName }) => !azureVm.disks.some((disk) => disk.diskName === diskName),
    );
    if (lost === undefined) return { state: 'there', reason: '' };
    return { state: 'gone', reason: `${vmName} has lost its disk ${lost.diskName}` };
  } catch (error) {
    if (!(error instanceof FailbackError)) throw error;
    return { state: 'unreachable', reason: error.toRecord().message };
  }
}
