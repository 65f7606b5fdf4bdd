import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const siteConnected: PreflightRule = {
  id: 'site.hypervisor.connected',
  statement: 'The configuration server is connected to the vCenter, the VMM or the host.',
  severity: 'blocking',
  errorCode: 'FB-PRE-030',
  check: (facts) =>
    withSection(facts, 'site', ({ isConnected }) => mustBe(true, isConnected, 'site.isConnected')),
};
