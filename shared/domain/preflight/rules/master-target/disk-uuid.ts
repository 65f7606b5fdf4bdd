import { isDiskUuidShown } from '../../master-target-vm.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withMasterTargetVm } from '../support.ts';

/** Without it the guest cannot tell which of its disks is which, and would write to a wrong one. */
export const masterTargetShowsDiskUuids: PreflightRule = {
  id: 'master-target.vm.disk-enable-uuid',
  statement:
    'The VM of the master target has disk.EnableUUID=TRUE, and its disks show their UUIDs.',
  severity: 'blocking',
  errorCode: 'FB-PRE-045',
  check: (facts) =>
    withMasterTargetVm(facts, ({ diskEnableUuid, preparation }) =>
      ifKnown(diskEnableUuid, 'masterTarget.machine.diskEnableUuid', (value) => {
        const isSet = isDiskUuidShown(value);
        // A VM that was not off since then does not know of it yet.
        const isInEffect = preparation.kind === 'windows' || preparation.hasDiskUuids !== false;
        if (isSet && isInEffect) return passed;
        const actual = isSet ? 'not in effect yet' : value || 'not set';
        return violated({ name: 'disk.EnableUUID', needed: 'TRUE', actual });
      }),
    ),
};
