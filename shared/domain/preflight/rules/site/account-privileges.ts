import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withVsphere } from '../support.ts';

export const accountPrivileges: PreflightRule = {
  id: 'site.account.privileges',
  statement: 'The account of the configuration server has every privilege needed.',
  severity: 'blocking',
  errorCode: 'FB-PRE-038',
  check: (facts) =>
    withVsphere(facts, ({ account }) =>
      ifKnown(account.missingPrivileges, 'site.account.missingPrivileges', (names) => {
        const privileges = names.join(', ');
        return names.length === 0
          ? passed
          : violated(
              { name: 'missing privileges', needed: 'none', actual: privileges },
              {
                privileges,
              },
            );
      }),
    ),
};
