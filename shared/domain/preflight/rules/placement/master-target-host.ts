import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withNewVmOnVsphere, withMasterTargetVm } from '../support.ts';

export const masterTargetHostReachesDatastore: PreflightRule = {
  id: 'alternate.host.of-master-target',
  statement:
    'The host of the master target, on which the new VM is created, reaches its datastore.',
  severity: 'blocking',
  errorCode: 'FB-PRE-066',
  check: (facts) =>
    withNewVmOnVsphere(facts, ({ hostName, datastore, datastoreHostIds }) =>
      withMasterTargetVm(facts, (machine) =>
        ifKnown(machine.hostId, 'masterTarget.machine.hostId', (needed) =>
          ifKnown(datastoreHostIds, 'location.storage.datastoreHostIds', (ids) => {
            if (ids.includes(needed)) return passed;
            const actual = ids.join(', ') || 'none';
            const fact = { name: 'hosts of the datastore', needed, actual };
            const host = hostName ?? needed;
            return violated(fact, { host, datastore: datastore ?? 'that was chosen' });
          }),
        ),
      ),
    ),
};
