import { randomUUID } from 'node:crypto';
import { ArmError } from './arm-error.ts';
import {
  type ArmContext,
  assertNotLocked,
  findDisk,
  findVm,
  LOCATION,
  member,
  resourceId,
  same,
  text,
} from './context.ts';
import { deleteDisk, PLAIN_DISK } from './disks.ts';
import {
  type ArmAnswer,
  type ArmRequest,
  type ArmRoute,
  IN_GROUP,
  name,
  ok,
  route,
} from './router.ts';
import type { DiskReference, VirtualMachineRecord, VmPower } from './state.ts';

const IMAGE_DISK_BYTES = 1024 * 1024;

export function virtualMachineRoutes(context: ArmContext): readonly ArmRoute[] {
  const path = `${IN_GROUP}Compute/virtualMachines`;
  const one = `${path}/{vm}`;
  const vmOf = (request: ArmRequest): VirtualMachineRecord =>
    findVm(context, name(request, 'group'), name(request, 'vm'));
  return [
    route('virtualMachines.list', 'GET', path, ({ names }) => {
      const group = (names['group'] ?? '').toLowerCase();
      const found = context.state.virtualMachines.filter(
        (vm) => vm.resourceGroup.toLowerCase() === group,
      );
      return ok({ value: found.map((vm) => showVm(context, vm)) });
    }),
    route('virtualMachines.listAll', 'GET', 'providers/Microsoft.Compute/virtualMachines', () =>
      ok({ value: context.state.virtualMachines.map((vm) => showVm(context, vm)) }),
    ),
    route('virtualMachines.get', 'GET', one, (request) => {
      const vm = vmOf(request);
      const isExpanded = request.query.get('$expand') === 'instanceView';
      const view = isExpanded ? { instanceView: instanceView(vm) } : {};
      return ok(showVm(context, vm, view));
    }),
    route('virtualMachines.instanceView', 'GET', `${one}/instanceView`, (request) =>
      ok(instanceView(vmOf(request))),
    ),
    route('virtualMachines.createOrUpdate', 'PUT', one, (request) => createVm(context, request)),
    route('virtualMachines.update', 'PATCH', one, (request) =>
      updateVm(context, vmOf(request), request.body),
    ),
    route('virtualMachines.powerOff', 'POST', `${one}/powerOff`, (request) => {
      const isGraceful = request.query.get('skipShutdown') !== 'true';
      return changePower(context, vmOf(request), {
        through: 'stopping',
        to: 'stopped',
        isGraceful,
      });
    }),
    route('virtualMachines.deallocate', 'POST', `${one}/deallocate`, (request) =>
      changePower(context, vmOf(request), {
        through: 'deallocating',
        to: 'deallocated',
        isGraceful: true,
      }),
    ),
    route('virtualMachines.start', 'POST', `${one}/start`, (request) => {
      const vm = vmOf(request);
      assertNoExport(context, vm);
      return changePower(context, vm, { through: 'starting', to: 'running', isGraceful: true });
    }),
    route('virtualMachines.delete', 'DELETE', one, (request) => {
      const group = name(request, 'group');
      const vm = context.state.virtualMachines.find((each) =>
        same(each, group, name(request, 'vm')),
      );
      if (vm === undefined) return { kind: 'none' };
      assertNotLocked(context, group, 'delete', vm.name);
      const operationId = context.operations.begin(async () => deleteVm(context, vm));
      return { kind: 'accepted', operationId };
    }),
  ];
}

interface PowerChange {
  readonly through: VmPower;
  readonly to: VmPower;
  readonly isGraceful: boolean;
}

function changePower(
  context: ArmContext,
  vm: VirtualMachineRecord,
  { through, to, isGraceful }: PowerChange,
): ArmAnswer {
  assertNotLocked(context, vm.resourceGroup, 'change', vm.name);
  if (vm.power === to) {
    return { kind: 'accepted', operationId: context.operations.begin(async () => null) };
  }
  vm.power = through;
  context.save();
  const operationId = context.operations.begin(async () => {
    await context.powerChanged({ ...vm, power: to }, isGraceful);
    vm.power = to;
    context.save();
    return null;
  });
  return { kind: 'accepted', operationId };
}

function assertNoExport(context: ArmContext, vm: VirtualMachineRecord): void {
  const managed = vm.disks.filter(({ vhdUri }) => vhdUri === undefined);
  const exported = managed.find(
    (disk) => findDisk(context, vm.resourceGroup, disk.name).access !== null,
  );
  if (exported === undefined) return;
  const reason = `Disk ${exported.name} has an active SAS; revoke it before starting the VM.`;
  throw new ArmError(409, 'OperationNotAllowed', reason);
}

/** From an image: the OS disk is made new and small, as the lab never boots it. */
async function createVm(context: ArmContext, request: ArmRequest): Promise<ArmAnswer> {
  const group = name(request, 'group');
  const vmName = name(request, 'vm');
  assertNotLocked(context, group, 'change');
  const existing = context.state.virtualMachines.find((vm) => same(vm, group, vmName));
  if (existing !== undefined) {
    return ok(showVm(context, existing));
  }
  const properties = member(request.body, 'properties');
  const uniqueId = randomUUID();
  const diskName = `${vmName}_OsDisk`;
  await context.blobs.create(uniqueId, IMAGE_DISK_BYTES);
  context.state.disks.push({
    resourceGroup: group,
    name: diskName,
    uniqueId,
    sizeBytes: IMAGE_DISK_BYTES,
    osType: 'Linux',
    hyperVGeneration: 'V2',
    ...PLAIN_DISK,
    snapshotTimes: [],
  });
  const osDisk = member(properties, 'storageProfile', 'osDisk');
  const vm: VirtualMachineRecord = {
    resourceGroup: group,
    name: vmName,
    vmId: randomUUID(),
    vmSize: text(properties, 'hardwareProfile', 'vmSize') ?? 'Standard_B1s',
    osType: 'Linux',
    hyperVGeneration: 'V2',
    power: 'starting',
    disks: [{ name: diskName, lun: null, deleteOption: deleteOption(osDisk) }],
    nics: nicReferences(properties),
    customData: text(properties, 'osProfile', 'customData') ?? null,
    tags: (member(request.body, 'tags') ?? {}) as Record<string, string>,
    securityType: null,
    writableFrom: {},
  };
  context.state.virtualMachines.push(vm);
  context.save();
  const operationId = context.operations.begin(async () => {
    await context.powerChanged({ ...vm, power: 'running' }, true);
    vm.power = 'running';
    context.save();
    return showVm(context, vm);
  });
  return {
    kind: 'accepted',
    operationId,
    body: showVm(context, vm, { provisioningState: 'Creating' }),
  };
}

function nicReferences(properties: unknown): VirtualMachineRecord['nics'] {
  const references = member(properties, 'networkProfile', 'networkInterfaces');
  const list: readonly unknown[] = Array.isArray(references) ? references : [];
  return list.map((reference) => ({
    id: text(reference, 'id') ?? '',
    deleteOption: deleteOption(member(reference, 'properties')),
  }));
}

function deleteOption(value: unknown): 'Delete' | 'Detach' {
  return text(value, 'deleteOption') === 'Delete' ? 'Delete' : 'Detach';
}

/** The lab only changes what a failback changes: what happens to disks and interfaces on delete. */
function updateVm(context: ArmContext, vm: VirtualMachineRecord, body: unknown): ArmAnswer {
  assertNotLocked(context, vm.resourceGroup, 'change', vm.name);
  const properties = member(body, 'properties');
  const dataDisks = member(properties, 'storageProfile', 'dataDisks');
  const osDisk = member(properties, 'storageProfile', 'osDisk');
  const named = [osDisk, ...(Array.isArray(dataDisks) ? (dataDisks as unknown[]) : [])];
  for (const disk of vm.disks) {
    const patch = named.find((each) => text(each, 'name') === disk.name);
    if (patch !== undefined) disk.deleteOption = deleteOption(patch);
  }
  for (const reference of nicReferences(properties)) {
    const nic = vm.nics.find(({ id }) => id.toLowerCase() === reference.id.toLowerCase());
    if (nic !== undefined) nic.deleteOption = reference.deleteOption;
  }
  context.save();
  const operationId = context.operations.begin(async () => showVm(context, vm));
  return { kind: 'accepted', operationId, body: showVm(context, vm) };
}

async function deleteVm(context: ArmContext, vm: VirtualMachineRecord): Promise<null> {
  const { state } = context;
  await context.powerChanged({ ...vm, power: 'deallocated' }, false);
  state.virtualMachines = state.virtualMachines.filter((each) => each !== vm);
  for (const { name: diskName, deleteOption: option, vhdUri } of vm.disks) {
    if (option === 'Delete' && vhdUri === undefined)
      await deleteDisk(context, findDisk(context, vm.resourceGroup, diskName));
  }
  const doomed = vm.nics
    .filter((nic) => nic.deleteOption === 'Delete')
    .map(({ id }) => id.toLowerCase());
  state.nics = state.nics.filter(
    (nic) =>
      !doomed.includes(
        resourceId(context, nic.resourceGroup, 'Network/networkInterfaces', nic.name).toLowerCase(),
      ),
  );
  context.save();
  return null;
}

function instanceView(vm: VirtualMachineRecord): object {
  return {
    hyperVGeneration: vm.hyperVGeneration,
    statuses: [
      { code: 'ProvisioningState/succeeded', level: 'Info' },
      { code: `PowerState/${vm.power}`, level: 'Info', displayStatus: `VM ${vm.power}` },
    ],
  };
}

function showExtension(extension: string): object {
  const [publisher, type] = extension.split('/');
  return { name: type, properties: { publisher, type, provisioningState: 'Succeeded' } };
}

function showVm(context: ArmContext, vm: VirtualMachineRecord, extra: object = {}): object {
  const { resourceGroup } = vm;
  const sourceOf = ({ name: diskName, vhdUri, caching }: DiskReference): object => ({
    ...(caching === undefined ? {} : { caching }),
    ...(vhdUri === undefined
      ? { managedDisk: { id: resourceId(context, resourceGroup, 'Compute/disks', diskName) } }
      : { vhd: { uri: vhdUri } }),
  });
  const osDisk = vm.disks.find(({ lun }) => lun === null);
  return {
    id: resourceId(context, resourceGroup, 'Compute/virtualMachines', vm.name),
    name: vm.name,
    type: 'Microsoft.Compute/virtualMachines',
    location: LOCATION,
    tags: vm.tags,
    ...(vm.extensions === undefined ? {} : { resources: vm.extensions.map(showExtension) }),
    properties: {
      vmId: vm.vmId,
      provisioningState: 'Succeeded',
      hardwareProfile: { vmSize: vm.vmSize },
      storageProfile: {
        osDisk: {
          name: osDisk?.name,
          osType: vm.osType,
          createOption: 'FromImage',
          deleteOption: osDisk?.deleteOption,
          ...(vm.hasEphemeralOsDisk === true ? { diffDiskSettings: { option: 'Local' } } : {}),
          ...(osDisk === undefined ? {} : sourceOf(osDisk)),
        },
        dataDisks: vm.disks.flatMap((disk) => {
          const { lun, name: diskName, deleteOption: option } = disk;
          if (lun === null) return [];
          const common = { lun, name: diskName, createOption: 'Attach', deleteOption: option };
          return [{ ...common, ...sourceOf(disk) }];
        }),
      },
      networkProfile: {
        networkInterfaces: vm.nics.map(({ id, deleteOption: option }) => ({
          id,
          properties: { primary: true, deleteOption: option },
        })),
      },
      ...(vm.securityType === null ? {} : { securityProfile: { securityType: vm.securityType } }),
      ...extra,
    },
  };
}
