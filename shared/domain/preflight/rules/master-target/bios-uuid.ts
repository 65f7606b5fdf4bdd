import { hasSameBiosUuid } from '../../master-target-vm.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withMasterTargetVm, withOriginalOnVsphere } from '../support.ts';

export const masterTargetHasOwnUuid: PreflightRule = {
  id: 'master-target.vm.own-uuid',
  statement:
    'The master target does not have the UUID of the VM, as two copies of one template do.',
  severity: 'blocking',
  errorCode: 'FB-PRE-051',
  check: (facts) =>
    withOriginalOnVsphere(facts, (storage) =>
      withMasterTargetVm(facts, (machine) =>
        ifKnown(storage.biosUuid, 'location.storage.biosUuid', (uuid) =>
          ifKnown(machine.biosUuid, 'masterTarget.machine.biosUuid', (actual) =>
            hasSameBiosUuid(actual, uuid)
              ? violated({ name: 'BIOS UUID', needed: 'another one', actual })
              : passed,
          ),
        ),
      ),
    ),
};
