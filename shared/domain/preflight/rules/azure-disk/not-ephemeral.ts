import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { everyDisk } from '../support.ts';

export const disksNotEphemeral: PreflightRule = {
  id: 'azure.disk.not-ephemeral',
  statement: 'No disk is ephemeral.',
  severity: 'blocking',
  errorCode: 'FB-PRE-022',
  check: (facts) =>
    everyDisk(facts, ({ diskName, isEphemeral }) =>
      mustBe(false, isEphemeral, 'azureVm.disks.isEphemeral', { diskName }),
    ),
};
