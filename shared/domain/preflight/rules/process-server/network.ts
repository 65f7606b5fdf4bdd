import type { AzureNetworkFacts } from '../../facts/azure-network.ts';
import type { ProcessServerLocation } from '../../facts/process-server.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, unknown, type Verdict, violated } from '../../verdict.ts';
import { withAzureNetwork, withProcessServer } from '../support.ts';

export const processServerNearVm: PreflightRule = {
  id: 'process-server.network',
  statement: 'The process server is in the network of the VM, or on-premises with ExpressRoute.',
  severity: 'blocking',
  errorCode: 'FB-PRE-084',
  check: (facts) =>
    withAzureNetwork(facts, (network) =>
      withProcessServer(facts, ({ location }) =>
        ifKnown(location, 'processServer.location', (place) => {
          if (place.kind === 'onPremises') return judgeOnPremises(network);
          if (place.kind === 'local') return unknown('processServer.location');
          return judgeInAzure(network, place);
        }),
      ),
    ),
};

function judgeInAzure(
  network: AzureNetworkFacts,
  place: Extract<ProcessServerLocation, { kind: 'azure' }>,
): Verdict {
  return ifKnown(network.virtualNetworkId, 'azureNetwork.virtualNetworkId', (needed) =>
    ifKnown(place.virtualNetworkId, 'processServer.location.virtualNetworkId', (actual) =>
      actual.toLowerCase() === needed.toLowerCase()
        ? passed
        : violated({ name: 'network of the process server', needed, actual }),
    ),
  );
}

/** It reads from Azure over the line; a VPN over the internet is not meant for that. */
function judgeOnPremises({ connection }: AzureNetworkFacts): Verdict {
  return ifKnown(connection, 'azureNetwork.connection', ({ kind: actual }) =>
    actual === 'expressRoute'
      ? passed
      : violated({ name: 'line of an on-premises server', needed: 'expressRoute', actual }),
  );
}
