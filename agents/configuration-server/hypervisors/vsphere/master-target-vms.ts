import type { VsphereHypervisorConfig } from '../../config.ts';

type Config = Pick<VsphereHypervisorConfig, 'masterTarget' | 'masterTargets'>;

/** Names of all VMs in which a master target may run. */
export function masterTargetVms({ masterTarget, masterTargets }: Config): readonly string[] {
  return [...new Set([masterTarget, ...Object.values(masterTargets)])];
}

/** Name of the VM in which the master target of that name runs; `null` = this site has none of that name. */
export function masterTargetVm(config: Config, name: string | undefined): string | null {
  const { masterTarget, masterTargets } = config;
  const isOnlyOne = Object.keys(masterTargets).length === 0;
  if (name === undefined || isOnlyOne) return masterTarget;
  return masterTargets[name] ?? null;
}
