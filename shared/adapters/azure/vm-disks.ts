import type { VirtualMachine } from '@azure/arm-compute';
import type { DiskSourceKind } from '../../domain/protected-item.ts';

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
