import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const masterTargetSameOsFamily: PreflightRule = {
  id: 'master-target.os.same-family',
  statement: 'The master target runs the OS family of the VM.',
  severity: 'blocking',
  errorCode: 'FB-PRE-040',
  check: (facts) =>
    withSection(facts, 'masterTarget', ({ osType: actual }) => {
      const needed = facts.protection.osType;
      return actual === needed ? passed : violated({ name: 'OS family', needed, actual });
    }),
};
