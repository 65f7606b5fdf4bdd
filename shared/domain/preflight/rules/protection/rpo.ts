import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';

export const rpoWithinThreshold: PreflightRule = {
  id: 'protection.rpo.within-threshold',
  statement: 'The recovery point objective is within its threshold.',
  severity: 'warning',
  errorCode: 'FB-PRE-113',
  check: ({ protection }) =>
    ifKnown(protection.rpoSeconds, 'protection.rpoSeconds', (actual) =>
      actual === 'none'
        ? doesNotApply
        : ifKnown(protection.rpoThresholdSeconds, 'protection.rpoThresholdSeconds', (needed) =>
            actual <= needed ? passed : violated({ name: 'RPO', needed, actual, unit: 'seconds' }),
          ),
    ),
};
