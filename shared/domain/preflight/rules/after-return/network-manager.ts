import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, mustBe } from '../../verdict.ts';
import { withAzureVm } from '../support.ts';

export const networkManagerThere: PreflightRule = {
  id: 'guest.network-manager',
  statement: 'NetworkManager is in the Linux guest.',
  severity: 'warning',
  errorCode: 'FB-PRE-111',
  check: (facts) =>
    facts.protection.osType === 'Linux'
      ? withAzureVm(facts, ({ guest }) =>
          mustBe(false, guest.isNetworkManagerRemoved, 'azureVm.guest.isNetworkManagerRemoved'),
        )
      : doesNotApply,
};
