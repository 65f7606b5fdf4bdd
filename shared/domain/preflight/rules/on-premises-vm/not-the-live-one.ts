import { isSwitchedOff } from '../../../power-state.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withAzureVm, withOriginal } from '../support.ts';

/**
 * What it writes is then nowhere else: a failback would stop it and write the older disks of Azure over its own. So it
 * is after a commit that broke off, whose machine was let go and is taken under care once more.
 */
export const originalIsNotTheLiveOne: PreflightRule = {
  id: 'original.not-the-live-one',
  statement: 'The on-premises VM does not run while the Azure VM is off.',
  severity: 'blocking',
  errorCode: 'FB-PRE-054',
  check: (facts) =>
    withAzureVm(facts, ({ powerState }) =>
      withOriginal(facts, ({ power }) => {
        if (!isSwitchedOff(powerState)) return passed;
        return ifKnown(power, 'location.power', (actual) =>
          actual === 'off'
            ? passed
            : violated({ name: 'power of the on-premises VM', needed: 'off', actual }),
        );
      }),
    ),
};
