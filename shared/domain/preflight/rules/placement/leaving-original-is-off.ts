import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withAlternate } from '../support.ts';

export const leavingOriginalIsOff: PreflightRule = {
  id: 'alternate.leaving-original.is-off',
  statement: 'An on-premises VM that is to be taken out of the inventory is switched off.',
  severity: 'blocking',
  errorCode: 'FB-PRE-076',
  check: (facts) =>
    withAlternate(facts, ({ leavingOriginal }) =>
      ifKnown(leavingOriginal, 'location.leavingOriginal', (actual) => {
        if (actual === 'none') return doesNotApply;
        return actual === 'off'
          ? passed
          : violated({ name: 'power of the on-premises VM', needed: 'off', actual });
      }),
    ),
};
