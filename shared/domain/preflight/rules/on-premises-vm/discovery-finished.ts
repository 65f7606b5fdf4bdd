import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, mustBe } from '../../verdict.ts';
import { withOriginalOnVsphere } from '../support.ts';

export const hostDiscoveryFinished: PreflightRule = {
  id: 'original.host.discovery-finished',
  statement: 'On a host without vCenter, the discovery of that host has finished.',
  severity: 'blocking',
  errorCode: 'FB-PRE-062',
  check: (facts) =>
    withOriginalOnVsphere(facts, (_storage, { management }) =>
      ifKnown(management, 'site.management', (manager) =>
        manager.kind === 'standaloneHost'
          ? mustBe(true, manager.isDiscoveryFinished, 'site.management.isDiscoveryFinished')
          : doesNotApply,
      ),
    ),
};
