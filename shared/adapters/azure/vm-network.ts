import type { VirtualMachine } from '@azure/arm-compute';
import type {
  ExpressRouteCircuit,
  VirtualNetwork,
  VirtualNetworkGatewayConnection,
} from '@azure/arm-network';
import type { AzureNetworkReading } from '../../domain/azure-vm.ts';
import type {
  ExpressRoutePeering,
  SiteConnection,
} from '../../domain/preflight/facts/azure-network.ts';
import { callAzure, findInAzure, unlessRefused } from './azure-error.ts';
import type { ArmClients } from './clients.ts';
import { parseResourceId } from './resource-id.ts';

type Network = ArmClients['network'];

/** What private endpoints are called that carry disk exports and blobs. */
const STORAGE_GROUPS: readonly string[] = ['disks', 'blob'];

interface Line {
  readonly connection: SiteConnection;
  readonly linkBitsPerSecond: number | null;
}

/** The subnet of the VM's primary interface. */
export async function subnetOf(network: Network, vm: VirtualMachine): Promise<string> {
  const references = vm.networkProfile?.networkInterfaces ?? [];
  const primary = references.find((nic) => nic.primary === true) ?? references[0];
  const { resourceGroup, name } = parseResourceId(primary?.id ?? '');
  const nic = await callAzure(`read the network interface ${name}`, () =>
    network.networkInterfaces.get(resourceGroup, name),
  );
  return nic.ipConfigurations?.[0]?.subnet?.id ?? '';
}

export function virtualNetworkIdOf(subnetId: string): string {
  return subnetId.replace(/\/subnets\/[^/]+$/i, '');
}

/** The network around a subnet and its line to the site. Rights that are missing leave facts unknown. */
export async function readNetwork(
  network: Network,
  subnetId: string,
): Promise<AzureNetworkReading> {
  const virtualNetworkId = virtualNetworkIdOf(subnetId);
  const [line, freeSubnetAddressCount] = await Promise.all([
    unlessRefused(async () => readLine(network, virtualNetworkId)),
    unlessRefused(async () => freeAddresses(network, subnetId)),
  ]);
  const { connection = null, linkBitsPerSecond = null } = line ?? {};
  return { virtualNetworkId, connection, linkBitsPerSecond, freeSubnetAddressCount };
}

/** The network of a private endpoint's subnet, if it is this one or is peered with it. */
export async function isEndpointReachable(
  network: Network,
  virtualNetworkId: string,
  endpointId: string,
): Promise<boolean> {
  const { resourceGroup, name } = parseResourceId(endpointId);
  const endpoint = await findInAzure(`read the private endpoint ${name}`, () =>
    network.privateEndpoints.get(resourceGroup, name),
  );
  if (endpoint === null) return false;
  const own = virtualNetworkIdOf(endpoint.subnet?.id ?? '');
  if (isSame(own, virtualNetworkId)) return true;
  const { virtualNetworkPeerings = [] } = await readVirtualNetwork(network, virtualNetworkId);
  return virtualNetworkPeerings.some(
    ({ peeringState, remoteVirtualNetwork }) =>
      peeringState === 'Connected' && isSame(remoteVirtualNetwork?.id, own),
  );
}

async function readVirtualNetwork(network: Network, id: string): Promise<VirtualNetwork> {
  const { resourceGroup, name } = parseResourceId(id);
  return callAzure(`read the virtual network ${name}`, () =>
    network.virtualNetworks.get(resourceGroup, name),
  );
}

/** Azure counts what is in use, and leaves its own five addresses out of the limit. */
async function freeAddresses(network: Network, subnetId: string): Promise<number | null> {
  const { resourceGroup, name } = parseResourceId(virtualNetworkIdOf(subnetId));
  return callAzure(`read the usage of ${name}`, async () => {
    for await (const { id, limit, currentValue } of network.virtualNetworks.listUsage(
      resourceGroup,
      name,
    )) {
      if (isSame(id, subnetId) && limit !== undefined && currentValue !== undefined) {
        return limit - currentValue;
      }
    }
    return null;
  });
}

/** A working ExpressRoute before a VPN; one that is down before none. */
async function readLine(network: Network, virtualNetworkId: string): Promise<Line> {
  const connections: VirtualNetworkGatewayConnection[] = [];
  for (const gatewayId of await gatewaysOf(network, virtualNetworkId)) {
    connections.push(...(await connectionsOf(network, gatewayId)));
  }
  const ofType = (type: string): readonly VirtualNetworkGatewayConnection[] =>
    connections
      .filter(({ connectionType }) => connectionType === type)
      .toSorted((a, b) => Number(isUp(b) === true) - Number(isUp(a) === true));
  const [expressRoute] = ofType('ExpressRoute');
  const [vpn] = ofType('IPsec');
  if (expressRoute !== undefined && (vpn === undefined || isUp(expressRoute) === true)) {
    return readExpressRoute(network, virtualNetworkId, expressRoute);
  }
  const connection: SiteConnection =
    vpn === undefined ? { kind: 'none' } : { kind: 'siteToSiteVpn', isConnected: isUp(vpn) };
  return { connection, linkBitsPerSecond: null };
}

/** Gateways in the network's own GatewaySubnet, or in that of the hub whose gateway it uses. */
async function gatewaysOf(network: Network, virtualNetworkId: string): Promise<readonly string[]> {
  const own = await readVirtualNetwork(network, virtualNetworkId);
  const found = gatewaysIn(own);
  const hub = own.virtualNetworkPeerings?.find(({ useRemoteGateways }) => useRemoteGateways);
  const hubId = hub?.remoteVirtualNetwork?.id;
  if (found.length > 0 || hubId === undefined) return found;
  return gatewaysIn(await readVirtualNetwork(network, hubId));
}

function gatewaysIn({ subnets = [] }: VirtualNetwork): readonly string[] {
  const { ipConfigurations = [] } = subnets.find(({ name }) => name === 'GatewaySubnet') ?? {};
  const ids = ipConfigurations.flatMap(
    ({ id = '' }) => /^.*\/virtualNetworkGateways\/[^/]+/i.exec(id) ?? [],
  );
  return [...new Set(ids)];
}

async function connectionsOf(
  network: Network,
  gatewayId: string,
): Promise<readonly VirtualNetworkGatewayConnection[]> {
  const gateway = parseResourceId(gatewayId);
  return callAzure(`list the connections of ${gateway.name}`, async () => {
    const found: VirtualNetworkGatewayConnection[] = [];
    const listed = network.virtualNetworkGateways.listConnections(
      gateway.resourceGroup,
      gateway.name,
    );
    for await (const { id = '' } of listed) {
      // The list leaves the status out.
      const { resourceGroup, name } = parseResourceId(id);
      found.push(await network.virtualNetworkGatewayConnections.get(resourceGroup, name));
    }
    return found;
  });
}

function isUp({ connectionStatus }: VirtualNetworkGatewayConnection): boolean | null {
  if (connectionStatus === undefined || connectionStatus === 'Unknown') return null;
  return connectionStatus === 'Connected';
}

async function readExpressRoute(
  network: Network,
  virtualNetworkId: string,
  connection: VirtualNetworkGatewayConnection,
): Promise<Line> {
  const [circuit, hasStoragePrivateEndpoint] = await Promise.all([
    unlessRefused(async () => readCircuit(network, connection.peer?.id ?? '')),
    unlessRefused(async () => hasStorageEndpoint(network, virtualNetworkId)),
  ]);
  const isDown = isUp(connection) === false;
  const peerings = isDown ? [] : circuit === null ? null : peeringsOf(circuit);
  return {
    connection: { kind: 'expressRoute', peerings, hasStoragePrivateEndpoint },
    linkBitsPerSecond: circuit === null ? null : bitsPerSecond(circuit),
  };
}

/** `null` when it is not ours to read: circuits often belong to another subscription. */
async function readCircuit(network: Network, id: string): Promise<ExpressRouteCircuit | null> {
  const { resourceGroup, name } = parseResourceId(id);
  const circuit = await findInAzure(`read the ExpressRoute circuit ${name}`, () =>
    network.expressRouteCircuits.get(resourceGroup, name),
  );
  return isSame(circuit?.id, id) ? circuit : null;
}

function peeringsOf({ peerings = [] }: ExpressRouteCircuit): readonly ExpressRoutePeering[] {
  const known: readonly ExpressRoutePeering[] = [
    'AzurePrivatePeering',
    'MicrosoftPeering',
    'AzurePublicPeering',
  ];
  return known.filter((type) =>
    peerings.some(({ peeringType, state }) => peeringType === type && state === 'Enabled'),
  );
}

/** Of a provider's circuit in Mbit/s, of one on ports of its own in Gbit/s. */
function bitsPerSecond(circuit: ExpressRouteCircuit): number | null {
  const mbps = circuit.serviceProviderProperties?.bandwidthInMbps;
  if (mbps !== undefined) return mbps * 1e6;
  return circuit.bandwidthInGbps === undefined ? null : circuit.bandwidthInGbps * 1e9;
}

async function hasStorageEndpoint(network: Network, virtualNetworkId: string): Promise<boolean> {
  return callAzure('list the private endpoints', async () => {
    for await (const endpoint of network.privateEndpoints.listBySubscription()) {
      const isOurs = isSame(virtualNetworkIdOf(endpoint.subnet?.id ?? ''), virtualNetworkId);
      const { privateLinkServiceConnections: links = [], manualPrivateLinkServiceConnections } =
        endpoint;
      const isForStorage = [...links, ...(manualPrivateLinkServiceConnections ?? [])].some(
        ({ groupIds = [], privateLinkServiceConnectionState: state }) =>
          state?.status === 'Approved' && groupIds.some((id) => STORAGE_GROUPS.includes(id)),
      );
      if (isOurs && isForStorage) return true;
    }
    return false;
  });
}

/** Ids of Resource Manager ignore case. */
function isSame(one: string | undefined, other: string): boolean {
  return one?.toLowerCase() === other.toLowerCase();
}
