import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withAzureVm, withVsphere } from '../support.ts';

export const vmwareToolsRun: PreflightRule = {
  id: 'guest.vmware-tools',
  statement: 'VMware Tools run in the guest as they will on-premises.',
  severity: 'warning',
  errorCode: 'FB-PRE-112',
  check: (facts) =>
    withVsphere(facts, () =>
      withAzureVm(facts, ({ guest }) =>
        ifKnown(guest.vmwareTools, 'azureVm.guest.vmwareTools', (actual) => {
          if (actual === 'notNeeded') return doesNotApply;
          if (actual === 'running') return passed;
          const change = actual === 'disabled' ? 'enabled again' : 'installed again';
          return violated({ name: 'VMware Tools', needed: 'running', actual }, { change });
        }),
      ),
    ),
};
