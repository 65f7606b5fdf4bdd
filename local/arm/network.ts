import { notFound } from './arm-error.ts';
import { type ArmContext, groupId, LOCATION, member, resourceId, same, text } from './context.ts';
import { idIn } from './resources.ts';
import { type ArmRoute, IN_GROUP, name, ok, route } from './router.ts';
import type { NicRecord } from './state.ts';

const VM_SIZES = [
  { name: 'Standard_B1s', numberOfCores: 1, memoryInMB: 1024 },
  { name: 'Standard_D2s_v5', numberOfCores: 2, memoryInMB: 8192 },
  { name: 'Standard_F4s_v2', numberOfCores: 4, memoryInMB: 8192 },
];

/** Network interfaces, locks, sizes and resource groups. */
export function networkRoutes(context: ArmContext): readonly ArmRoute[] {
  const nics = `${IN_GROUP}Network/networkInterfaces`;
  const nic = `${nics}/{nic}`;
  return [
    route('networkInterfaces.list', 'GET', nics, () =>
      ok({ value: context.state.nics.map((each) => showNic(context, each)) }),
    ),
    route('networkInterfaces.get', 'GET', nic, (request) => {
      const nicName = name(request, 'nic');
      const found = context.state.nics.find((each) => same(each, name(request, 'group'), nicName));
      if (found === undefined) throw notFound('Microsoft.Network/networkInterfaces', nicName);
      return ok(showNic(context, found));
    }),
    route('networkInterfaces.createOrUpdate', 'PUT', nic, (request) => {
      const group = name(request, 'group');
      const existing = context.state.nics.find((each) => same(each, group, name(request, 'nic')));
      const record = existing ?? createNic(context, group, name(request, 'nic'), request.body);
      const operationId = context.operations.begin(async () => showNic(context, record));
      return { kind: 'accepted', operationId, body: showNic(context, record) };
    }),
    route('networkInterfaces.delete', 'DELETE', nic, (request) => {
      const { state } = context;
      const found = state.nics.find((each) =>
        same(each, name(request, 'group'), name(request, 'nic')),
      );
      if (found === undefined) return { kind: 'none' };
      const operationId = context.operations.begin(async () => {
        state.nics = state.nics.filter((each) => each !== found);
        context.save();
        return null;
      });
      return { kind: 'accepted', operationId };
    }),
    route('locks.listAtResourceGroup', 'GET', `${IN_GROUP}Authorization/locks`, ({ names }) => {
      const group = names['group'] ?? '';
      const found = context.state.locks.filter(
        (lock) => lock.resourceGroup.toLowerCase() === group.toLowerCase(),
      );
      return ok({
        value: found.map(({ name: lockName, level, vmName, resource }) => {
          const path = vmName === undefined ? resource : `Compute/virtualMachines/${vmName}`;
          const scope = path === undefined ? groupId(context, group) : idIn(context, group, path);
          const id = `${scope}/providers/Microsoft.Authorization/locks/${lockName}`;
          return { id, name: lockName, properties: { level } };
        }),
      });
    }),
    route(
      'virtualMachineSizes.list',
      'GET',
      'providers/Microsoft.Compute/locations/{location}/vmSizes',
      () => ok({ value: VM_SIZES }),
    ),
    route('resourceGroups.get', 'GET', 'resourceGroups/{group}', (request) =>
      ok({
        id: groupId(context, name(request, 'group')),
        name: name(request, 'group'),
        location: LOCATION,
      }),
    ),
  ];
}

function createNic(context: ArmContext, group: string, nicName: string, body: unknown): NicRecord {
  const configurations = member(body, 'properties', 'ipConfigurations');
  const first = Array.isArray(configurations) ? (configurations as unknown[])[0] : undefined;
  const record: NicRecord = {
    resourceGroup: group,
    name: nicName,
    subnetId: text(first, 'properties', 'subnet', 'id') ?? '',
    privateIpAddress: freeAddress(context),
    tags: (member(body, 'tags') ?? {}) as Record<string, string>,
  };
  context.state.nics.push(record);
  context.save();
  return record;
}

/** Addresses of a subnet are unique; the first four are Azure's own. */
export function freeAddress(context: ArmContext): string {
  const used = new Set(context.state.nics.map(({ privateIpAddress }) => privateIpAddress));
  for (let last = 4; last < 255; last += 1) {
    const address = `10.0.0.${last}`;
    if (!used.has(address)) return address;
  }
  throw new Error('The subnet of the lab has no free address.');
}

function showNic(context: ArmContext, nic: NicRecord): object {
  return {
    id: resourceId(context, nic.resourceGroup, 'Network/networkInterfaces', nic.name),
    name: nic.name,
    location: LOCATION,
    tags: nic.tags,
    properties: {
      provisioningState: 'Succeeded',
      ipConfigurations: [
        {
          name: 'primary',
          properties: {
            privateIPAddress: nic.privateIpAddress,
            privateIPAllocationMethod: 'Dynamic',
            subnet: { id: nic.subnetId },
          },
        },
      ],
    },
  };
}
