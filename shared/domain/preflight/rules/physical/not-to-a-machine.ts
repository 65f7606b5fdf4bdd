import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const notToPhysicalMachine: PreflightRule = {
  id: 'physical.target-is-virtual',
  statement: 'The machine does not go to a physical machine.',
  severity: 'blocking',
  errorCode: 'FB-PRE-072',
  check: (facts) =>
    withSection(facts, 'location', ({ kind }) =>
      kind === 'physicalMachine'
        ? violated({ name: 'location', needed: 'a VM', actual: 'a physical machine' })
        : passed,
    ),
};
