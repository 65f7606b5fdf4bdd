import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { everyDisk } from '../support.ts';

export const disksNotShared: PreflightRule = {
  id: 'azure.disk.not-shared',
  statement: 'No disk is shared between VMs.',
  severity: 'blocking',
  errorCode: 'FB-PRE-021',
  check: (facts) =>
    everyDisk(facts, ({ diskName, isShared }) =>
      mustBe(false, isShared, 'azureVm.disks.isShared', { diskName }),
    ),
};
