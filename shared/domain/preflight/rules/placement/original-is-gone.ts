import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, mustBe } from '../../verdict.ts';
import { withAlternate } from '../support.ts';

/** Two VMs of one identity must never run; a physical server has no VM that could be in the way. */
export const originalIsGone: PreflightRule = {
  id: 'alternate.original-is-gone',
  statement: 'A new VM is created only when the original one does not exist any more.',
  severity: 'blocking',
  errorCode: 'FB-PRE-065',
  check: (facts) =>
    withAlternate(facts, ({ doesOriginalExist }) =>
      facts.protection.origin.kind === 'Physical'
        ? doesNotApply
        : mustBe(false, doesOriginalExist, 'location.doesOriginalExist'),
    ),
};
