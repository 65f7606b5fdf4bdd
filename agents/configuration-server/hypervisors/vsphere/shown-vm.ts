import type { HypervisorVm } from '../../../../shared/ports/hypervisor.ts';
import type { VmRecord } from './discovery/records.ts';
import { nameDisks } from './disk-slots.ts';
import { foreignSnapshots } from './images.ts';
import type { Vm } from './vm-access.ts';

/** What others than this driver are told of a VM. */
export function shown(
  record: VmRecord,
): Pick<HypervisorVm, 'name' | 'snapshotCount' | 'firmware' | 'biosUuid' | 'disks'> {
  const disks = nameDisks(record).map(({ diskId, disk: { sizeBytes } }) => ({ diskId, sizeBytes }));
  const { name, firmware, biosUuid } = record;
  const snapshotCount = foreignSnapshots(record).length;
  return { name, snapshotCount, ...(firmware === null ? {} : { firmware }), biosUuid, disks };
}

/** A VM without an instance UUID cannot be found again; every server that is supported gives one. */
export function idOf({ ref, record }: Vm): string {
  if (record.instanceUuid === null) throw new Error(`The VM ${ref.value} has no instance UUID`);
  return record.instanceUuid;
}
