import type { Placement } from './placement.ts';
import type { Vm } from './vm-access.ts';

/** The first disk on vSAN, when the VM that is to get it lies elsewhere: ESXi does not hot-add such a disk. */
export async function diskOnForeignVsan<D extends { readonly datastoreId: string | null }>(
  placement: Placement,
  { record }: Vm,
  disks: readonly D[],
): Promise<D | undefined> {
  const vsan = await placement.vsanDatastores();
  const isOnVsan = vsan.some(({ name }) => record.vmxFile?.startsWith(`[${name}] `) === true);
  if (isOnVsan) return undefined;
  return disks.find(({ datastoreId }) => vsan.some(({ id }) => id === datastoreId));
}
