import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, together, violated } from '../../verdict.ts';
import { withAzureVm } from '../support.ts';

export const staticAddressesReturn: PreflightRule = {
  id: 'guest.address.static',
  statement: 'Network interfaces that had a static address get it back.',
  severity: 'warning',
  errorCode: 'FB-PRE-110',
  check: (facts) =>
    withAzureVm(facts, ({ guest }) =>
      ifKnown(guest.staticInterfaces, 'azureVm.guest.staticInterfaces', (interfaces) =>
        interfaces.length === 0
          ? passed
          : together(
              interfaces.map(({ name, isAddressRestored }) =>
                isAddressRestored
                  ? passed
                  : violated({ name, needed: 'static', actual: 'DHCP' }, { interfaceName: name }),
              ),
            ),
      ),
    ),
};
