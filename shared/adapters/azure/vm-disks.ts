import type { VirtualMachine } from '@azure/arm-compute';

/** The disks of a VM by the ids used on both sides: `os`, `lun-0`, `lun-1`, … */
export function disksOf(
  vm: VirtualMachine,
): readonly { readonly id: string; readonly isOsDisk: boolean; readonly diskName: string }[] {
  const { osDisk, dataDisks } = vm.storageProfile ?? {};
  return [
    { id: 'os', isOsDisk: true, diskName: osDisk?.name ?? '' },
    ...(dataDisks ?? []).map(({ lun, name }) => ({
      id: `lun-${lun}`,
      isOsDisk: false,
      diskName: name ?? '',
    })),
  ];
}
