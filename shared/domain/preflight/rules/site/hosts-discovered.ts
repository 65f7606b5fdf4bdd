import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withVsphere } from '../support.ts';

export const hostsDiscovered: PreflightRule = {
  id: 'site.hosts.discovered',
  statement: 'The ESXi hosts that the failback needs were discovered.',
  severity: 'blocking',
  errorCode: 'FB-PRE-074',
  check: (facts) =>
    withVsphere(facts, ({ neededHosts }) =>
      ifKnown(neededHosts, 'site.neededHosts', (hosts) => {
        const missing = hosts.filter(({ isDiscovered }) => !isDiscovered).map(({ name }) => name);
        const actual = missing.join(', ');
        return missing.length === 0
          ? passed
          : violated({ name: 'hosts not discovered', needed: 'none', actual }, { hosts: actual });
      }),
    ),
};
