import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const sameHypervisorFamily: PreflightRule = {
  id: 'site.hypervisor.same-family',
  statement:
    'A VM from VMware does not go to Hyper-V nor the reverse; a physical server goes to VMware only.',
  severity: 'blocking',
  errorCode: 'FB-PRE-031',
  check: (facts) =>
    withSection(facts, 'site', ({ kind: hypervisor }) => {
      const origin = facts.protection.origin.kind;
      const needed = origin === 'HyperV' ? 'hyperv' : 'vsphere';
      return hypervisor === 'local' || hypervisor === needed
        ? passed
        : violated({ name: 'hypervisor', needed, actual: hypervisor }, { origin, hypervisor });
    }),
};
