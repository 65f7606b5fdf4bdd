import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { withPhysicalOrigin, withSection } from '../support.ts';

export const physicalBecomesNewVm: PreflightRule = {
  id: 'physical.new-vm-only',
  statement: 'A physical server comes home as a new VM.',
  severity: 'blocking',
  errorCode: 'FB-PRE-070',
  check: (facts) =>
    withPhysicalOrigin(facts, () =>
      withSection(facts, 'location', ({ kind }) =>
        kind === 'original'
          ? violated({ name: 'location', needed: 'a new VM', actual: 'an existing VM' })
          : passed,
      ),
    ),
};
