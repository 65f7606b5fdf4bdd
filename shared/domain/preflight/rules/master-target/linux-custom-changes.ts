import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withLinuxMasterTarget } from '../support.ts';

export const linuxChangesAppliedOnce: PreflightRule = {
  id: 'master-target.linux.custom-changes',
  statement: 'On a Linux master target the custom changes were applied exactly once.',
  severity: 'blocking',
  errorCode: 'FB-PRE-049',
  check: (facts) =>
    withLinuxMasterTarget(facts, ({ customChangesCount }) =>
      ifKnown(
        customChangesCount,
        'masterTarget.machine.preparation.customChangesCount',
        (actual) =>
          actual === 1 ? passed : violated({ name: 'runs of the script', needed: 1, actual }),
      ),
    ),
};
