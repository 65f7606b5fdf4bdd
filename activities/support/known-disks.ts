import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { AzureVmDescription } from '../../shared/ports/azure.ts';

/** Throws FB-AZ-008 for a disk of the Azure VM that is not carried: it would be deleted and be nowhere. */
export function assertAllDisksKnown(
  { disks, vmName }: Pick<ProtectedItem, 'disks' | 'vmName'>,
  azureVm: Pick<AzureVmDescription, 'disks'>,
): void {
  const stranger = azureVm.disks.find(
    ({ diskName }) => !disks.some((known) => known.diskName === diskName),
  );
  if (stranger === undefined) return;
  throw new FailbackError('FB-AZ-008', { vmName, diskName: stranger.diskName });
}
