import type { PowerState } from '../contracts/activities.ts';
import { refusalOfDisks } from '../domain/attached-disks.ts';
import type { ProtectedItem } from '../domain/protected-item.ts';
import type { SourceSight } from '../domain/source-state.ts';
import { FailbackError } from '../errors/failback-error.ts';
import type { AzureVirtualMachines } from '../ports/azure.ts';

type Place = Pick<ProtectedItem, 'resourceGroup' | 'vmName'>;

/**
 * How the Azure VM is now, and whether its disks are those of the item. Azure's failures are an answer, too: `power` is then `null`. A VM that was moved counts as
 * one that cannot be reached, because it may run.
 */
export async function lookAtSource(
  vms: Pick<AzureVirtualMachines, 'powerState' | 'attachedDisks' | 'gatherFacts'>,
  { resourceGroup, vmName, azureVmId, disks }: Place & Pick<ProtectedItem, 'azureVmId' | 'disks'>,
): Promise<SourceSight & { readonly power: PowerState | null }> {
  try {
    const power = await vms.powerState(resourceGroup, vmName);
    const attached = power === 'absent' ? null : await vms.attachedDisks(resourceGroup, vmName);
    if (attached !== null)
      return { ...sightOfDisks(refusalOfDisks(vmName, disks, attached)), power };
    const { whereabouts } = await vms.gatherFacts(resourceGroup, vmName, azureVmId ?? null);
    if (whereabouts?.kind === 'moved') {
      const reason = `${vmName} was moved to the resource group ${whereabouts.resourceGroup}`;
      return { state: 'unreachable', reason, power: null };
    }
    const reason = `Azure knows no VM ${vmName} in the resource group ${resourceGroup}`;
    return { state: 'gone', reason, power: 'absent' };
  } catch (error) {
    if (!(error instanceof FailbackError)) throw error;
    return { state: 'unreachable', reason: error.toRecord().message, power: null };
  }
}

function sightOfDisks(refusal: FailbackError | null): SourceSight {
  if (refusal === null) return { state: 'there', reason: '' };
  const reason = refusal.toRecord().message.replace(/\.$/, '');
  return { state: refusal.code === 'FB-AZ-010' ? 'incomplete' : 'changed', reason };
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
