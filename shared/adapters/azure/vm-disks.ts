import type { VirtualMachine } from '@azure/arm-compute';
import type { AttachedDisk } from '../../domain/attached-disks.ts';
import type { DiskSourceKind } from '../../domain/protected-item.ts';
import { parseResourceId } from './resource-id.ts';

export interface NamedDisk {
  readonly id: string;
  readonly isOsDisk: boolean;
  /** Name of a managed disk, URL of a page blob. */
  readonly diskName: string;
  readonly kind: DiskSourceKind;
}

/** The disks of a VM by the ids used on both sides: `os`, `lun-0`, `lun-1`, … */
export function disksOf(vm: VirtualMachine): readonly NamedDisk[] {
  const { osDisk, dataDisks } = vm.storageProfile ?? {};
  return [
    { id: 'os', isOsDisk: true, ...sourceOf(osDisk ?? {}) },
    ...(dataDisks ?? []).map(({ lun, ...disk }) => ({
      id: `lun-${lun}`,
      isOsDisk: false,
      ...sourceOf(disk),
    })),
  ];
}

/** What is attached, by what it is. */
export function attachedDisksOf(
  { storageProfile }: VirtualMachine,
  resourceGroup: string,
): readonly AttachedDisk[] {
  const { osDisk, dataDisks = [] } = storageProfile ?? {};
  return [...(osDisk === undefined ? [] : [osDisk]), ...dataDisks].map((disk) => {
    const named = sourceOf(disk);
    return named.kind === 'pageBlob'
      ? named
      : { kind: named.kind, diskName: managedDiskName(resourceGroup, disk) ?? '' };
  });
}

/** One of another resource group goes by its id: one of the same name may be in that of the VM. */
export function managedDiskName(
  resourceGroup: string,
  {
    name,
    managedDisk,
  }: { readonly name?: string; readonly managedDisk?: { readonly id?: string } },
): string | undefined {
  const { id } = managedDisk ?? {};
  if (id === undefined) return name;
  const parsed = parseResourceId(id);
  return parsed.resourceGroup.toLowerCase() === resourceGroup.toLowerCase() ? parsed.name : id;
}

/** A disk with a VHD of its own is a page blob in somebody's storage account. */
function sourceOf(disk: {
  readonly name?: string;
  readonly vhd?: { readonly uri?: string };
}): Pick<NamedDisk, 'diskName' | 'kind'> {
  const uri = disk.vhd?.uri;
  return uri === undefined
    ? { kind: 'managedDisk', diskName: disk.name ?? '' }
    : { kind: 'pageBlob', diskName: uri };
}
