import type { ErrorValues } from '../../../errors/failback-error.ts';
import type { AzureDiskFacts, Known, PreflightFacts } from '../facts.ts';
import type { PreflightRule } from '../rule.ts';

export const azureVmExists: PreflightRule = {
  id: 'azure.vm.exists',
  severity: 'blocking',
  errorCode: 'FB-PRE-010',
  check: ({ azureVm }) => (azureVm === null ? 'unknown' : azureVm.exists ? [] : [{}]),
};

export const azureVmNotConfidential: PreflightRule = {
  id: 'azure.vm.not-confidential',
  severity: 'blocking',
  errorCode: 'FB-PRE-011',
  check: ({ azureVm }) => {
    if (azureVm === null || (azureVm.exists && azureVm.isConfidential === null)) return 'unknown';
    return azureVm.isConfidential === true ? [{}] : [];
  },
};

export const azureVmNotLocked: PreflightRule = {
  id: 'azure.vm.not-locked',
  severity: 'blocking',
  errorCode: 'FB-PRE-012',
  check: ({ azureVm }) => {
    if (azureVm === null || azureVm.locks === null) return 'unknown';
    return azureVm.locks.length > 0 ? [{ locks: azureVm.locks.join(', ') }] : [];
  },
};

export const disksNotEncryptedInGuest: PreflightRule = {
  id: 'azure.disk.not-ade-encrypted',
  severity: 'blocking',
  errorCode: 'FB-PRE-020',
  check: (facts) => everyDisk(facts, (disk) => disk.isAdeEncrypted),
};

export const disksNotShared: PreflightRule = {
  id: 'azure.disk.not-shared',
  severity: 'blocking',
  errorCode: 'FB-PRE-021',
  check: (facts) => everyDisk(facts, (disk) => disk.isShared),
};

export const disksNotEphemeral: PreflightRule = {
  id: 'azure.disk.not-ephemeral',
  severity: 'blocking',
  errorCode: 'FB-PRE-022',
  check: (facts) => everyDisk(facts, (disk) => disk.isEphemeral),
};

export const disksExportable: PreflightRule = {
  id: 'azure.disk.export-allowed',
  severity: 'blocking',
  errorCode: 'FB-PRE-023',
  check: (facts) =>
    everyDisk(facts, (disk) =>
      disk.networkAccessPolicy === null ? null : disk.networkAccessPolicy === 'DenyAll',
    ),
};

/** Violations of a property that no disk may have. */
function everyDisk(
  { azureVm }: PreflightFacts,
  isViolated: (disk: AzureDiskFacts) => Known<boolean>,
): readonly ErrorValues[] | 'unknown' {
  if (azureVm === null) return 'unknown';
  const verdicts = azureVm.disks.map((disk) => ({ disk, verdict: isViolated(disk) }));
  if (verdicts.some(({ verdict }) => verdict === null)) return 'unknown';
  return verdicts
    .filter(({ verdict }) => verdict === true)
    .map(({ disk }) => ({ diskName: disk.diskName }));
}
