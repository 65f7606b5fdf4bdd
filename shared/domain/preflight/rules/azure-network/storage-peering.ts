import type { SiteConnection } from '../../facts/azure-network.ts';
import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, type Verdict, violated } from '../../verdict.ts';
import { withAzureNetwork } from '../support.ts';

/** Private peering carries private addresses only: storage is behind it when it has private endpoints there. */
export const peeringCarriesStorage: PreflightRule = {
  id: 'azure.network.storage-peering',
  statement: 'With ExpressRoute, a peering carries the traffic to storage.',
  severity: 'blocking',
  errorCode: 'FB-PRE-087',
  check: (facts) =>
    withAzureNetwork(facts, ({ connection }) =>
      ifKnown(connection, 'azureNetwork.connection', (line) =>
        line.kind === 'expressRoute' ? judge(line) : doesNotApply,
      ),
    ),
};

function judge(line: Extract<SiteConnection, { kind: 'expressRoute' }>): Verdict {
  return ifKnown(line.peerings, 'azureNetwork.connection.peerings', (peerings) => {
    if (peerings.some((name) => name !== 'AzurePrivatePeering')) return passed;
    const actual = peerings.join(', ') || 'none';
    const needed = 'MicrosoftPeering, or AzurePrivatePeering with private endpoints';
    if (peerings.length === 0) return violated({ name: 'peerings', needed, actual });
    return ifKnown(
      line.hasStoragePrivateEndpoint,
      'azureNetwork.connection.hasStoragePrivateEndpoint',
      (isThere) => (isThere ? passed : violated({ name: 'peerings', needed, actual })),
    );
  });
}
