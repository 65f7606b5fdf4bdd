import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, mustBe } from '../../verdict.ts';
import { everyDisk } from '../support.ts';

export const diskPrivateExportReachable: PreflightRule = {
  id: 'azure.disk.private-export-reachable',
  statement:
    'A disk with a private network policy has a disk access that the process server reaches.',
  severity: 'blocking',
  errorCode: 'FB-PRE-026',
  check: (facts) =>
    everyDisk(facts, ({ diskName, networkAccessPolicy: policy, isPrivateExportReachable }) =>
      ifKnown(policy, 'azureVm.disks.networkAccessPolicy', (known) =>
        known === 'AllowPrivate'
          ? mustBe(true, isPrivateExportReachable, 'azureVm.disks.isPrivateExportReachable', {
              diskName,
            })
          : doesNotApply,
      ),
    ),
};
