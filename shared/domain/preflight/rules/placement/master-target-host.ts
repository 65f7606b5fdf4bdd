import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withNewVmOnVsphere, withMasterTargetVm } from '../support.ts';

export const createdOnMasterTargetHost: PreflightRule = {
  id: 'alternate.host.of-master-target',
  statement: 'The new VM is created on the host of the master target.',
  severity: 'blocking',
  errorCode: 'FB-PRE-066',
  check: (facts) =>
    withNewVmOnVsphere(facts, ({ hostId }) =>
      withMasterTargetVm(facts, (machine) =>
        ifKnown(machine.hostId, 'masterTarget.machine.hostId', (needed) =>
          ifKnown(hostId, 'location.storage.hostId', (actual) =>
            actual === needed ? passed : violated({ name: 'host', needed, actual }),
          ),
        ),
      ),
    ),
};
