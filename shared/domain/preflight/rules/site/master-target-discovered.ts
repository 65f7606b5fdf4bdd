import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withVsphere } from '../support.ts';

export const masterTargetDiscovered: PreflightRule = {
  id: 'site.master-target.discovered',
  statement: 'At least one master target was discovered at the site.',
  severity: 'blocking',
  errorCode: 'FB-PRE-073',
  check: (facts) =>
    withVsphere(facts, ({ discoveredMasterTargetCount }) =>
      ifKnown(discoveredMasterTargetCount, 'site.discoveredMasterTargetCount', (actual) =>
        actual >= 1 ? passed : violated({ name: 'master targets', needed: 1, actual }),
      ),
    ),
};
