import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, together, type Verdict, violated } from '../../verdict.ts';
import { withAlternateHyperVHost, withHyperV } from '../support.ts';

export const switchesOnAlternateHost: PreflightRule = {
  id: 'hyperv.switch.same-name',
  statement: 'An alternate Hyper-V host has virtual switches of the names the VM was connected to.',
  severity: 'blocking',
  errorCode: 'FB-PRE-100',
  check: (facts) =>
    withHyperV(facts, ({ virtualSwitches, neededSwitches }) =>
      withAlternateHyperVHost(facts, () =>
        ifKnown(neededSwitches, 'site.neededSwitches', (needed) =>
          ifKnown(virtualSwitches, 'site.virtualSwitches', (there) =>
            together(needed.map((name) => judge(name, there))),
          ),
        ),
      ),
    ),
};

function judge(needed: string, there: readonly string[]): Verdict {
  const actual = there.join(', ') || 'none';
  return there.includes(needed) ? passed : violated({ name: 'virtual switch', needed, actual });
}
