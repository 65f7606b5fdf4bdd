import type { RestorePointSourceMetadata } from '@azure/arm-compute';
import { azureFailure, translated } from './azure-error.ts';

/** Refusals of Azure that say "not now"; everything else that it refuses it will refuse again. */
const NOT_NOW = /try again later|retry the operation|concurrent|in progress/i;

/** Refusals that snapshots of single disks would meet as well. */
const NOT_FOR_SNAPSHOTS_EITHER: readonly string[] = ['ScopeLocked', 'ReadOnlyDisabledSubscription'];

const REFUSING_STATUS: readonly (number | null)[] = [400, 403, 409];

/**
 * Why Azure makes no restore point of this VM, for people: shared, Ultra or Premium SSD v2 disks,
 * confidential VMs, scale sets, a missing right, or the limit of three an hour.
 * Throws what is worth another try (FB-AZ-002), and what has nothing to do with restore points.
 */
export function refusalOfRestorePoint(operation: string, error: unknown): string {
  const { status, code, message } = azureFailure(error);
  if (status === 429) return 'Azure makes three restore points of a VM an hour, and they were made';
  const isOperationFailure = status === null && code !== 'Error' && !code.includes('Internal');
  const isRefusal =
    (isOperationFailure || REFUSING_STATUS.includes(status)) &&
    !NOT_NOW.test(message) &&
    !NOT_FOR_SNAPSHOTS_EITHER.includes(code);
  if (!isRefusal) throw translated(operation, error);
  return `Azure makes no restore point of this VM: ${code} ${message}`;
}

/** Any failure of an application-consistent point leads to a crash-consistent one, so this never throws. */
export function refusalOfConsistency(error: unknown): string {
  const { code, message } = azureFailure(error);
  return `The guest could not be made application-consistent: ${code} ${message}`;
}

export function noMoreThanCrashConsistent(mode: string | undefined): string {
  return mode === 'FileSystemConsistent'
    ? 'The guest was only made file-system consistent: it has no VSS writers or pre and post scripts'
    : 'No application-consistent restore point could be made';
}

/**
 * What Azure takes without refusing it and yet does not promise to be one instant: writes in a host
 * cache, and VM sizes whose storage runs in hardware of its own.
 */
export function doubtsAboutInstant(source: RestorePointSourceMetadata): readonly string[] {
  const { osDisk, dataDisks = [] } = source.storageProfile ?? {};
  const cached = [osDisk, ...dataDisks].filter((disk) => disk?.caching === 'ReadWrite');
  const vmSize = source.hardwareProfile?.vmSize ?? '';
  const names = cached.map((disk) => disk?.name ?? '').join(', ');
  return [
    ...(cached.length === 0
      ? []
      : [`Writes in the host cache (caching ReadWrite) may be missing: ${names}`]),
    ...(dataDisks.length > 1 && hasStorageHardware(vmSize)
      ? [`Azure does not promise one instant for several data disks of ${vmSize}`]
      : []),
  ];
}

/** Intel sizes from version 6 and AMD sizes from version 7 on. */
function hasStorageHardware(vmSize: string): boolean {
  const [, features = '', version = '0'] = /^[A-Za-z]+_[A-Z]+\d+(\w*?)_v(\d+)$/.exec(vmSize) ?? [];
  return Number(version) >= (features.includes('a') ? 7 : 6);
}
