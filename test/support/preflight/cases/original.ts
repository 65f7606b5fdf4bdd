import { alternateOnVcenter } from '../good-facts.ts';
import type { RuleCases } from '../rule-cases.ts';

/** OLR: rules about the VM that is still on-premises. */
export const ORIGINAL_CASES: readonly RuleCases[] = [
  {
    rule: 'site.target-vm.no-snapshots',
    code: 'FB-PRE-032',
    violated: [['there is one snapshot', { 'location.snapshotCount': 1 }, { actual: 1 }]],
    doesNotApply: [['a VM will be created', alternateOnVcenter]],
    unknown: ['location', 'location.snapshotCount'],
  },
];
