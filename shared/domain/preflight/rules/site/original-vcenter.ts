import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withVsphere } from '../support.ts';

export const originalVcenter: PreflightRule = {
  id: 'site.vcenter.original',
  statement: 'A VM from a vCenter goes back to that vCenter.',
  severity: 'blocking',
  errorCode: 'FB-PRE-034',
  check: (facts) =>
    withVsphere(facts, ({ management }) => {
      const { origin } = facts.protection;
      if (origin.kind !== 'VMware') return doesNotApply;
      return ifKnown(origin.vcenterId, 'protection.origin.vcenterId', (needed) => {
        if (needed === 'none') return doesNotApply;
        return ifKnown(management, 'site.management', (manager) =>
          manager.kind === 'standaloneHost'
            ? violated({ name: 'vCenter', needed, actual: 'none' })
            : ifKnown(manager.vcenterId, 'site.management.vcenterId', (actual) =>
                actual === needed ? passed : violated({ name: 'vCenter', needed, actual }),
              ),
        );
      });
    }),
};
