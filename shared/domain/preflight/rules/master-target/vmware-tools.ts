import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withMasterTargetVm } from '../support.ts';

export const masterTargetHasTools: PreflightRule = {
  id: 'master-target.vm.vmware-tools',
  statement: 'VMware Tools are installed in the master target.',
  severity: 'blocking',
  errorCode: 'FB-PRE-046',
  check: (facts) =>
    withMasterTargetVm(facts, ({ hasVmwareTools }) =>
      mustBe(true, hasVmwareTools, 'masterTarget.machine.hasVmwareTools'),
    ),
};
