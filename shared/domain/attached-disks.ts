import { FailbackError } from '../errors/failback-error.ts';
import type { DiskSourceKind } from './protected-item.ts';

/** A disk by what it is: where it is attached, and how large it is, may change. */
export interface AttachedDisk {
  /** Name of a managed disk, its resource id where that is in another resource group, URL of a page blob. */
  readonly diskName: string;
  /** Absent in records of earlier versions: a managed disk. */
  readonly kind?: DiskSourceKind;
}

/** Azure takes names of resources without regard to case, those of blobs with it. */
export function isSameDisk(one: AttachedDisk, other: AttachedDisk): boolean {
  const [{ kind = 'managedDisk' }, { kind: otherKind = 'managedDisk' }] = [one, other];
  if (kind !== otherKind) return false;
  return kind === 'pageBlob'
    ? one.diskName === other.diskName
    : one.diskName.toLowerCase() === other.diskName.toLowerCase();
}

/**
 * Why the disks of the Azure VM are not those that are carried home; `null` = they are. FB-AZ-009 when it has one that
 * is not carried: what the machine writes there would be nowhere. FB-AZ-010 when it only lacks one.
 */
export function refusalOfDisks(
  vmName: string,
  carried: readonly AttachedDisk[],
  attached: readonly AttachedDisk[],
): FailbackError | null {
  const strangers = namesOf(attached, carried);
  const missing = namesOf(carried, attached);
  const [lost] = missing;
  if (strangers.length > 0) {
    const without = missing.length === 0 ? '' : `, and not ${missing.join(', ')} any more`;
    const difference = `it has ${strangers.join(', ')}, which is not carried${without}`;
    return new FailbackError('FB-AZ-009', { vmName, difference });
  }
  return lost === undefined ? null : new FailbackError('FB-AZ-010', { vmName, diskName: lost });
}

/** Names of the disks that the others do not have. */
function namesOf(
  disks: readonly AttachedDisk[],
  others: readonly AttachedDisk[],
): readonly string[] {
  const strange = disks.filter((disk) => !others.some((other) => isSameDisk(disk, other)));
  return strange.map(({ diskName }) => diskName);
}
