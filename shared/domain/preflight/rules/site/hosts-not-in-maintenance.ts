import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, together, unknown, violated } from '../../verdict.ts';
import { withVsphere } from '../support.ts';

/** Found only at the start of the VM, it would be found after the shutdown in Azure. */
export const hostsNotInMaintenance: PreflightRule = {
  id: 'site.hosts.not-in-maintenance',
  statement: 'No ESXi host that the failback needs is in maintenance mode.',
  severity: 'blocking',
  errorCode: 'FB-PRE-094',
  check: (facts) =>
    withVsphere(facts, ({ neededHosts }) =>
      ifKnown(neededHosts, 'site.neededHosts', (hosts) => {
        // Of one that was not discovered nobody knows; that is a finding of its own.
        const discovered = hosts.filter(({ isDiscovered }) => isDiscovered);
        const isUnknown = discovered.some(({ isInMaintenance }) => isInMaintenance === null);
        const resting = discovered.filter(({ isInMaintenance }) => isInMaintenance === true);
        const actual = resting.map(({ name }) => name).join(', ');
        const fact = { name: 'hosts in maintenance mode', needed: 'none', actual };
        return together([
          isUnknown ? unknown('site.neededHosts.isInMaintenance') : passed,
          resting.length === 0 ? passed : violated(fact, { hosts: actual }),
        ]);
      }),
    ),
};
