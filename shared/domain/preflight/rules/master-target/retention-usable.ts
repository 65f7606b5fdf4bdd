import { MIN_RETENTION_FREE_BYTES } from '../../../../policy/limits.ts';
import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const masterTargetRetentionUsable: PreflightRule = {
  id: 'master-target.retention.usable',
  statement: 'The retention volume is writable and has at least 1 GiB free.',
  severity: 'blocking',
  errorCode: 'FB-PRE-042',
  check: (facts) =>
    withSection(facts, 'masterTarget', (masterTarget) => {
      const { retentionFreeBytes: actualBytes, isRetentionWritable: isWritable } = masterTarget;
      const neededBytes = MIN_RETENTION_FREE_BYTES;
      if (isWritable && actualBytes >= neededBytes) return passed;
      const fact = isWritable
        ? ({ name: 'free space', needed: neededBytes, actual: actualBytes, unit: 'bytes' } as const)
        : { name: 'retention volume is writable', needed: true, actual: false };
      return violated(fact, { neededBytes, actualBytes, isWritable });
    }),
};
