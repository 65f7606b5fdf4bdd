import type { Hypervisor, HypervisorVm } from '../../shared/ports/hypervisor.ts';

export interface OriginalVm {
  readonly vm: HypervisorVm;
  /** False = it was taken out of the inventory; its files are where they were. */
  readonly isRegistered: boolean;
}

/**
 * The VM that a machine had on-premises, for preflight and for the preparation alike: what is judged is what will be
 * used. By its id alone where that is known: another VM of its name may be anybody's. Throws FB-SITE-011 when only
 * the name is known and several VMs have it.
 */
export async function findOriginalVm(
  hypervisor: Hypervisor,
  name: string,
  vmId: string | undefined,
): Promise<OriginalVm | null> {
  const key = vmId === undefined ? { name } : { vmId, name };
  const registered = await hypervisor.findVm(key);
  if (registered !== null) return { vm: registered, isRegistered: true };
  const left = await hypervisor.findUnregistered(key);
  return left === null ? null : { vm: left, isRegistered: false };
}
