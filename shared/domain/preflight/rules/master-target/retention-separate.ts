import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withMasterTargetVm } from '../support.ts';

/** Changes that fill the system volume would stop the master target, and with it every other failback. */
export const retentionIsSeparate: PreflightRule = {
  id: 'master-target.retention.separate-volume',
  statement: 'The retention volume is a volume of its own.',
  severity: 'blocking',
  errorCode: 'FB-PRE-043',
  check: (facts) =>
    withMasterTargetVm(facts, (_machine, { isRetentionSeparateVolume }) =>
      mustBe(true, isRetentionSeparateVolume, 'masterTarget.isRetentionSeparateVolume'),
    ),
};
