import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withOriginal } from '../support.ts';

/** What finds it knows its files to be there; whether they are still that VM shows when it is registered. */
export const originalIsRegistered: PreflightRule = {
  id: 'original.registered',
  statement:
    'The on-premises VM is in the inventory; one that was taken out of it is registered again from its files.',
  severity: 'info',
  errorCode: 'FB-PRE-075',
  check: (facts) =>
    withOriginal(facts, ({ isRegistered }) => mustBe(true, isRegistered, 'location.isRegistered')),
};
