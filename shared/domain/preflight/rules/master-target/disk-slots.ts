import { MAX_DISKS_PER_MASTER_TARGET } from '../../../../policy/limits.ts';
import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { withAzureVm, withSection } from '../support.ts';

export const masterTargetHasSlots: PreflightRule = {
  id: 'master-target.disks.within-limit',
  statement: 'The master target holds at most 60 disks, those of the VM included.',
  severity: 'blocking',
  errorCode: 'FB-PRE-041',
  check: (facts) =>
    withSection(facts, 'masterTarget', ({ attachedDiskCount }) =>
      withAzureVm(facts, ({ disks }) => {
        const actual = attachedDiskCount + disks.length;
        const limit = MAX_DISKS_PER_MASTER_TARGET;
        return actual <= limit
          ? passed
          : violated(
              { name: 'disks of the master target', needed: limit, actual, unit: 'disks' },
              { needed: actual, limit },
            );
      }),
    ),
};
