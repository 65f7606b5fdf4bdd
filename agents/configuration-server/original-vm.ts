import type { Hypervisor, HypervisorVm } from '../../shared/ports/hypervisor.ts';

export interface OriginalVm {
  readonly vm: HypervisorVm;
  /** False = it was taken out of the inventory; its files are where they were. */
  readonly isRegistered: boolean;
}

/**
 * The VM that a machine had on-premises, for preflight and for the preparation alike: what is judged is what will be
 * used. The only place where a name stands in for an id that is gone.
 */
export async function findOriginalVm(
  hypervisor: Hypervisor,
  name: string,
  vmId: string | undefined,
): Promise<OriginalVm | null> {
  return (
    (vmId === undefined ? null : await look(hypervisor, { vmId, name })) ??
    look(hypervisor, { name })
  );
}

async function look(
  hypervisor: Hypervisor,
  key: { readonly vmId?: string; readonly name: string },
): Promise<OriginalVm | null> {
  const registered = await hypervisor.findVm(key);
  if (registered !== null) return { vm: registered, isRegistered: true };
  const left = await hypervisor.findUnregistered(key);
  return left === null ? null : { vm: left, isRegistered: false };
}
