import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const configurationServerSameAddress: PreflightRule = {
  id: 'configuration-server.same-address',
  statement:
    'The configuration server has the address it had at the failover, also after a restore.',
  severity: 'blocking',
  errorCode: 'FB-PRE-091',
  check: (facts) =>
    withSection(facts, 'configurationServer', ({ address }) =>
      ifKnown(
        facts.protection.configurationServerAddress,
        'protection.configurationServerAddress',
        (needed) =>
          ifKnown(address, 'configurationServer.address', (actual) =>
            actual === needed ? passed : violated({ name: 'address', needed, actual }),
          ),
      ),
    ),
};
