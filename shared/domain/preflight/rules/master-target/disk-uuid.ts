import { isDiskUuidShown } from '../../master-target-vm.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, mustBe, passed, violated } from '../../verdict.ts';
import { withMasterTargetVm } from '../support.ts';

const HAS_DISK_UUIDS = 'masterTarget.machine.preparation.hasDiskUuids';

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
        if (!isDiskUuidShown(value)) {
          return violated({ name: 'disk.EnableUUID', needed: 'TRUE', actual: value || 'not set' });
        }
        if (preparation.kind === 'windows') return passed;
        // A VM that was not off since then does not know of it yet.
        return mustBe(true, preparation.hasDiskUuids, HAS_DISK_UUIDS, {
          needed: 'TRUE',
          actual: 'not in effect yet',
        });
      }),
    ),
};
