import { MAX_DISKS_PER_VM } from '../../../../policy/preflight-limits.ts';
import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { withAzureVm } from '../support.ts';

export const azureVmDiskCount: PreflightRule = {
  id: 'azure.vm.disk-count',
  statement: 'The VM has at most 60 disks.',
  severity: 'blocking',
  errorCode: 'FB-PRE-016',
  check: (facts) =>
    withAzureVm(facts, ({ disks: { length: actual } }) =>
      actual <= MAX_DISKS_PER_VM
        ? passed
        : violated({ name: 'disks', needed: MAX_DISKS_PER_VM, actual, unit: 'disks' }),
    ),
};
