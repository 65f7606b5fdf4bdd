import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withLinuxMasterTarget } from '../support.ts';

export const linuxPackagesInstalled: PreflightRule = {
  id: 'master-target.linux.packages',
  statement: 'A Linux master target has the required packages.',
  severity: 'blocking',
  errorCode: 'FB-PRE-048',
  check: (facts) =>
    withLinuxMasterTarget(facts, ({ missingPackages }) =>
      ifKnown(missingPackages, 'masterTarget.machine.preparation.missingPackages', (names) => {
        const packages = names.join(', ');
        return names.length === 0
          ? passed
          : violated({ name: 'missing packages', needed: 'none', actual: packages }, { packages });
      }),
    ),
};
