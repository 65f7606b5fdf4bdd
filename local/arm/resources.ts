import { notFound } from './arm-error.ts';
import { type ArmContext, groupId, LOCATION, resourceId } from './context.ts';
import { type ArmRequest, type ArmRoute, IN_GROUP, name, ok, route } from './router.ts';
import type { ResourceRecord } from './state.ts';

/** Addresses of a /24 that machines can have: Azure keeps five for itself. */
const SUBNET_ADDRESSES = 251;

/** What is only read here, by what its path is called in Resource Manager. */
const READ_ONLY: Readonly<Record<string, string>> = {
  diskAccesses: 'Compute/diskAccesses',
  privateEndpoints: 'Network/privateEndpoints',
  virtualNetworkGatewayConnections: 'Network/connections',
  expressRouteCircuits: 'Network/expressRouteCircuits',
};

/** Resources that failback reads and never changes; a lab has those that somebody put there. */
export function resourceRoutes(context: ArmContext): readonly ArmRoute[] {
  const networks = `${IN_GROUP}Network/virtualNetworks/{name}`;
  return [
    ...Object.entries(READ_ONLY).map(([operation, type]) =>
      route(`${operation}.get`, 'GET', `${IN_GROUP}${type}/{name}`, (request) =>
        ok(show(find(context, request, type))),
      ),
    ),
    route(
      'privateEndpoints.listBySubscription',
      'GET',
      'providers/Microsoft.Network/privateEndpoints',
      () => {
        const all = context.state.resources ?? [];
        const isEndpoint = ({ id }: ResourceRecord): boolean => /\/privateEndpoints\//i.test(id);
        return ok({ value: all.filter((each) => isEndpoint(each)).map((each) => show(each)) });
      },
    ),
    route(
      'virtualNetworkGateways.listConnections',
      'GET',
      `${IN_GROUP}Network/virtualNetworkGateways/{name}/connections`,
      (request) => {
        const gateway = idOf(context, request, 'Network/virtualNetworkGateways');
        const value = (context.state.resources ?? [])
          .filter(({ properties }) => gatewayOf(properties) === gateway.toLowerCase())
          .map((each) => show(each, ['connectionStatus']));
        return ok({ value });
      },
    ),
    route('virtualNetworks.get', 'GET', networks, (request) =>
      ok(show(virtualNetwork(context, request))),
    ),
    route('virtualNetworks.listUsage', 'GET', `${networks}/usages`, (request) => {
      const { id } = virtualNetwork(context, request);
      return ok({ value: usages(context, id) });
    }),
  ];
}

function idOf(context: ArmContext, request: ArmRequest, type: string): string {
  return resourceId(context, name(request, 'group'), type, name(request, 'name'));
}

function find(context: ArmContext, request: ArmRequest, type: string): ResourceRecord {
  const id = idOf(context, request, type);
  const found = (context.state.resources ?? []).find(
    (each) => each.id.toLowerCase() === id.toLowerCase(),
  );
  if (found === undefined) throw notFound(`Microsoft.${type}`, name(request, 'name'));
  return found;
}

/** One that was put there, or what the interfaces in it say of it. */
function virtualNetwork(context: ArmContext, request: ArmRequest): ResourceRecord {
  const id = idOf(context, request, 'Network/virtualNetworks');
  const subnetIds = subnetsIn(context, id);
  const isPut = (context.state.resources ?? []).some(
    (each) => each.id.toLowerCase() === id.toLowerCase(),
  );
  if (isPut || subnetIds.length === 0) return find(context, request, 'Network/virtualNetworks');
  const subnets = subnetIds.map((subnetId) => ({ id: subnetId, name: subnetId.split('/').at(-1) }));
  return { id, properties: { subnets, virtualNetworkPeerings: [] } };
}

function subnetsIn({ state }: ArmContext, networkId: string): readonly string[] {
  const begin = `${networkId}/subnets/`.toLowerCase();
  const ids = state.nics.map(({ subnetId }) => subnetId);
  return [...new Set(ids.filter((id) => id.toLowerCase().startsWith(begin)))];
}

function usages(context: ArmContext, networkId: string): readonly object[] {
  const limit = context.state.subnetAddresses ?? SUBNET_ADDRESSES;
  return subnetsIn(context, networkId).map((id) => ({
    id,
    currentValue: context.state.nics.filter(({ subnetId }) => subnetId === id).length,
    limit,
    unit: 'Count',
    name: { value: 'SubnetSpace', localizedValue: 'Subnet size and usage' },
  }));
}

function gatewayOf(properties: Readonly<Record<string, unknown>>): string | null {
  const gateway = properties['virtualNetworkGateway1'];
  if (typeof gateway !== 'object' || gateway === null || !('id' in gateway)) return null;
  return String(gateway.id).toLowerCase();
}

function show({ id, properties }: ResourceRecord, without: readonly string[] = []): object {
  const shown = Object.entries(properties).filter(([key]) => !without.includes(key));
  return {
    id,
    name: id.split('/').at(-1),
    location: LOCATION,
    properties: { provisioningState: 'Succeeded', ...Object.fromEntries(shown) },
  };
}

/** `Compute/diskAccesses/da` in a group, as a full id. */
export function idIn(context: ArmContext, group: string, path: string): string {
  return `${groupId(context, group)}/providers/Microsoft.${path}`;
}
