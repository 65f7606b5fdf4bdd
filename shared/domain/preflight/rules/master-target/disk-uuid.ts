import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withMasterTargetVm } from '../support.ts';

/** Without it the guest cannot tell which of its disks is which, and would write to a wrong one. */
export const masterTargetShowsDiskUuids: PreflightRule = {
  id: 'master-target.vm.disk-enable-uuid',
  statement: 'The VM of the master target has disk.EnableUUID=TRUE.',
  severity: 'blocking',
  errorCode: 'FB-PRE-045',
  check: (facts) =>
    withMasterTargetVm(facts, ({ diskEnableUuid }) =>
      ifKnown(diskEnableUuid, 'masterTarget.machine.diskEnableUuid', (value) =>
        value.toUpperCase() === 'TRUE'
          ? passed
          : violated({ name: 'disk.EnableUUID', needed: 'TRUE', actual: value || 'not set' }),
      ),
    ),
};
