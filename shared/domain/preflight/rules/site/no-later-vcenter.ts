import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withVsphere } from '../support.ts';

export const noLaterVcenter: PreflightRule = {
  id: 'site.vcenter.not-added-later',
  statement: 'A VM from a host without vCenter does not go to a vCenter that was added later.',
  severity: 'blocking',
  errorCode: 'FB-PRE-036',
  check: (facts) =>
    withVsphere(facts, ({ management }) => {
      const { origin } = facts.protection;
      if (origin.kind !== 'VMware') return doesNotApply;
      return ifKnown(origin.vcenterId, 'protection.origin.vcenterId', (vcenterId) => {
        if (vcenterId !== 'none') return doesNotApply;
        return ifKnown(management, 'site.management', (manager) =>
          manager.kind === 'standaloneHost'
            ? passed
            : violated({
                name: 'vCenter',
                needed: 'none',
                actual: manager.vcenterId ?? 'one that was added later',
              }),
        );
      });
    }),
};
