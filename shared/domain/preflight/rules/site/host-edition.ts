import { FREE_ESXI_EDITIONS } from '../../../../policy/preflight-limits.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withVsphere } from '../support.ts';

export const hostEditionAllowsWrites: PreflightRule = {
  id: 'site.host.edition',
  statement: 'The ESXi host is not of the free edition.',
  severity: 'blocking',
  errorCode: 'FB-PRE-039',
  check: (facts) =>
    withVsphere(facts, ({ hostEdition }) =>
      ifKnown(hostEdition, 'site.hostEdition', (actual) =>
        FREE_ESXI_EDITIONS.includes(actual.toLowerCase())
          ? violated({ name: 'licence edition', needed: 'a licensed edition', actual })
          : passed,
      ),
    ),
};
