import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withNewVmOnVsphere } from '../support.ts';

export const placementNameFree: PreflightRule = {
  id: 'alternate.name.free',
  statement: 'No VM of the same name is on the host that gets the new one.',
  severity: 'blocking',
  errorCode: 'FB-PRE-069',
  check: (facts) =>
    withNewVmOnVsphere(facts, ({ isNameTaken }) =>
      mustBe(false, isNameTaken, 'location.storage.isNameTaken'),
    ),
};
