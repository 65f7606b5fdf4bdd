import type { PreflightRule } from '../rule.ts';

export const siteConnected: PreflightRule = {
  id: 'site.hypervisor.connected',
  severity: 'blocking',
  errorCode: 'FB-PRE-030',
  check: ({ site }) => (site === null ? 'unknown' : site.isConnected ? [] : [{}]),
};

export const sameHypervisorFamily: PreflightRule = {
  id: 'site.hypervisor.same-family',
  severity: 'blocking',
  errorCode: 'FB-PRE-031',
  check: ({ site, origin }) => {
    if (site === null) return 'unknown';
    const isCrossing =
      (origin === 'HyperV' && site.hypervisor === 'vsphere') ||
      (origin !== 'HyperV' && site.hypervisor === 'hyperv');
    return isCrossing ? [{ origin, hypervisor: site.hypervisor }] : [];
  },
};

export const targetHasNoSnapshots: PreflightRule = {
  id: 'site.target-vm.no-snapshots',
  severity: 'blocking',
  errorCode: 'FB-PRE-032',
  check: ({ site }) => {
    if (site === null || site.targetSnapshotCount === null) return 'unknown';
    return site.targetSnapshotCount > 0 ? [{ actual: site.targetSnapshotCount }] : [];
  },
};

export const siteHasFreeSpace: PreflightRule = {
  id: 'site.datastore.free-space',
  severity: 'blocking',
  errorCode: 'FB-PRE-033',
  check: ({ site, azureVm }) => {
    if (site === null || azureVm === null) return 'unknown';
    if (site.hasOriginalVm) return [];
    if (site.freeBytes === null) return 'unknown';
    const neededBytes = azureVm.disks.reduce((sum, disk) => sum + disk.sizeBytes, 0);
    return site.freeBytes < neededBytes ? [{ neededBytes, actualBytes: site.freeBytes }] : [];
  },
};
