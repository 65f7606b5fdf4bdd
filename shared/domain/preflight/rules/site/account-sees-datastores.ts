import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withVsphere } from '../support.ts';

/** A read-only account lists none, and the reprotect has nothing to choose from. */
export const accountSeesDatastores: PreflightRule = {
  id: 'site.account.sees-datastores',
  statement: 'The account of the configuration server sees datastores.',
  severity: 'blocking',
  errorCode: 'FB-PRE-037',
  check: (facts) =>
    withVsphere(facts, ({ account }) =>
      mustBe(true, account.canSeeDatastores, 'site.account.canSeeDatastores'),
    ),
};
