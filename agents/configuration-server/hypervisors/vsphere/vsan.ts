import type { DiskShape } from '../../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type { VmRecord } from './discovery/records.ts';
import { pairDisks } from './disk-slots.ts';
import type { Placement } from './placement.ts';
import type { Vm } from './vm-access.ts';

/** The first disk on vSAN, when the VM that is to get it lies elsewhere: ESXi does not hot-add such a disk. */
export async function diskOnForeignVsan<D extends { readonly datastoreId: string | null }>(
  placement: Placement,
  { record }: Vm,
  disks: readonly D[],
): Promise<D | undefined> {
  const vsan = await placement.vsanDatastores();
  if (liesOn(record, vsan)) return undefined;
  return disks.find(({ datastoreId }) => vsan.some(({ id }) => id === datastoreId));
}

/**
 * Outside of a private cloud only disks that are there and attached are used on vSAN. Throws FB-VSPHERE-022 when one
 * would have to be made.
 */
export function refuseNewDisksOnVsan(
  { record }: Vm,
  wanted: readonly DiskShape[],
  vsan: readonly { readonly name: string }[],
): void {
  const { missing } = pairDisks(record, wanted);
  if (missing.length === 0 || !liesOn(record, vsan)) return;
  const diskIds = missing.map(({ id }) => id).join(', ');
  throw new FailbackError('FB-VSPHERE-022', { vmName: record.name, diskIds });
}

function liesOn({ vmxFile }: VmRecord, datastores: readonly { readonly name: string }[]): boolean {
  return datastores.some(({ name }) => vmxFile?.startsWith(`[${name}] `) === true);
}
