import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withAzureNetwork } from '../support.ts';

export const networkConnected: PreflightRule = {
  id: 'azure.network.connected',
  statement: 'The network of the VM has a VPN or ExpressRoute to the site.',
  severity: 'blocking',
  errorCode: 'FB-PRE-086',
  check: (facts) =>
    withAzureNetwork(facts, ({ connection }) =>
      ifKnown(connection, 'azureNetwork.connection', (line) => {
        const needed = 'VPN or ExpressRoute';
        if (line.kind === 'expressRoute') return passed;
        if (line.kind === 'none') return violated({ name: 'connection', needed, actual: 'none' });
        return ifKnown(line.isConnected, 'azureNetwork.connection.isConnected', (isUp) =>
          isUp ? passed : violated({ name: 'connection', needed, actual: 'a VPN that is down' }),
        );
      }),
    ),
};
