import { MAX_DISKS_PER_MASTER_TARGET, MIN_RETENTION_FREE_BYTES } from '../../../policy/limits.ts';
import type { PreflightRule } from '../rule.ts';

export const masterTargetSameOsFamily: PreflightRule = {
  id: 'master-target.os.same-family',
  severity: 'blocking',
  errorCode: 'FB-PRE-040',
  check: ({ masterTarget, osType }) => {
    if (masterTarget === null) return 'unknown';
    return masterTarget.osType === osType ? [] : [{ needed: osType, actual: masterTarget.osType }];
  },
};

export const masterTargetHasSlots: PreflightRule = {
  id: 'master-target.disks.within-limit',
  severity: 'blocking',
  errorCode: 'FB-PRE-041',
  check: ({ masterTarget, azureVm }) => {
    if (masterTarget === null || azureVm === null) return 'unknown';
    const needed = masterTarget.attachedDiskCount + azureVm.disks.length;
    return needed > MAX_DISKS_PER_MASTER_TARGET
      ? [{ needed, limit: MAX_DISKS_PER_MASTER_TARGET }]
      : [];
  },
};

export const masterTargetRetentionUsable: PreflightRule = {
  id: 'master-target.retention.usable',
  severity: 'blocking',
  errorCode: 'FB-PRE-042',
  check: ({ masterTarget }) => {
    if (masterTarget === null) return 'unknown';
    const { retentionFreeBytes: actualBytes, isRetentionWritable: isWritable } = masterTarget;
    return isWritable && actualBytes >= MIN_RETENTION_FREE_BYTES
      ? []
      : [{ neededBytes: MIN_RETENTION_FREE_BYTES, actualBytes, isWritable }];
  },
};
