import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withLinuxMasterTarget } from '../support.ts';

export const linuxRestartedSince: PreflightRule = {
  id: 'master-target.linux.restarted',
  statement: 'A Linux master target was restarted since it was prepared.',
  severity: 'blocking',
  errorCode: 'FB-PRE-050',
  check: (facts) =>
    withLinuxMasterTarget(facts, ({ isRestartedSince }) =>
      mustBe(true, isRestartedSince, 'masterTarget.machine.preparation.isRestartedSince'),
    ),
};
