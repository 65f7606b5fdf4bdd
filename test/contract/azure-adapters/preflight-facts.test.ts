import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PageBlobs } from '../../../shared/adapters/azure/page-blobs.ts';
import { ArmVirtualMachines } from '../../../shared/adapters/azure/virtual-machines.ts';
import type { DiskRecord, VirtualMachineRecord } from '../../../local/arm/state.ts';
import type { AzureVmFacts } from '../../../shared/domain/azure-vm.ts';
import { storageOf, unique } from '../../support/control-plane/azure-storage.ts';
import { type LabAzure, startLabAzure, SUBSCRIPTION } from '../../support/lab-azure.ts';

const GROUP = 'dr';
const MIB = 1024 * 1024;
const VNET = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.Network/virtualNetworks/lab-vnet`;

let lab: LabAzure;
let vms: ArmVirtualMachines;
let name: string;
let vm: VirtualMachineRecord;
let disk: DiskRecord;

beforeAll(async () => {
  lab = await startLabAzure();
  vms = new ArmVirtualMachines(lab.clients, new PageBlobs(storageOf(lab.azurite).blobs));
});
afterAll(async () => lab.stop());

/** A VM of its own for every test, with one disk. */
beforeEach(async () => {
  name = unique('vm');
  const disks = [{ name: `${name}-os`, sizeBytes: 2 * MIB, lun: null, writableFrom: MIB }];
  const rest = { osType: 'Linux', vmSize: 'Standard_D2s_v5' } as const;
  await lab.arm.seed({ resourceGroup: GROUP, name, disks, ...rest });
  const { virtualMachines, disks: all } = lab.arm.state;
  const found = virtualMachines.find((each) => each.name === name);
  const foundDisk = all.find((each) => each.name === `${name}-os`);
  if (found === undefined || foundDisk === undefined) throw new Error('the seed is gone');
  vm = found;
  disk = foundDisk;
  lab.arm.state.resources = [];
});

const facts = async (recorded: string | null = null): Promise<AzureVmFacts> =>
  vms.gatherFacts(GROUP, name, recorded);
const network = async (): ReturnType<ArmVirtualMachines['gatherNetwork']> =>
  vms.gatherNetwork(GROUP, name);

describe('where the VM is', () => {
  it('is its place, with the id and generation that Azure shows', async () => {
    expect(await facts(vm.vmId)).toMatchObject({
      exists: true,
      whereabouts: { kind: 'inPlace' },
      vmId: vm.vmId,
      generation: 'V1',
    });
  });

  it('is another resource group after it was moved, found by its id alone', async () => {
    lab.arm.state.virtualMachines = lab.arm.state.virtualMachines.map((each) =>
      each === vm ? { ...each, resourceGroup: 'elsewhere', name: `${name}-renamed` } : each,
    );
    expect(await facts(vm.vmId)).toMatchObject({
      exists: false,
      whereabouts: { kind: 'moved', resourceGroup: 'elsewhere' },
    });
    expect(await facts()).toMatchObject({ exists: false, whereabouts: null });
  });

  it('is nowhere once it is deleted, also when another took its name', async () => {
    expect(await facts('the-id-of-one-that-is-gone')).toMatchObject({
      exists: true,
      whereabouts: { kind: 'nowhere' },
      vmId: vm.vmId,
    });
  });

  it('is unknown where nobody may look through the subscription', async () => {
    const refusal = { status: 403, code: 'AuthorizationFailed', times: 1 };
    lab.arm.inject({ operation: 'virtualMachines.listAll', ...refusal });
    expect(await facts('another')).toMatchObject({ exists: true, whereabouts: null });
  });
});

describe('what keeps a disk from being exported', () => {
  const [first] = [(all: AzureVmFacts) => all.disks[0]];

  it.each([
    ['its sectors of 4 KiB', { logicalSectorSize: 4096 }, { logicalSectorBytes: 4096 }],
    ['its SKU, whose sectors are 4 KiB', { sku: 'PremiumV2_LRS' }, { logicalSectorBytes: 4096 }],
    ['its encryption settings', { isAdeEncrypted: true }, { isAdeEncrypted: true }],
    ['other machines that share it', { maxShares: 2 }, { isShared: true }],
    ['its policy', { networkAccessPolicy: 'DenyAll' }, { networkAccessPolicy: 'DenyAll' }],
  ])('shows: %s', async (_what, change, shown) => {
    const plain = { logicalSectorBytes: 512, isAdeEncrypted: false, isShared: false };
    expect(first(await facts())).toMatchObject(plain);
    Object.assign(disk, change);
    expect(first(await facts())).toMatchObject(shown);
  });

  it.each(['AzureDiskEncryption', 'AzureDiskEncryptionForLinux'])('shows: %s', async (type) => {
    vm.extensions = ['Microsoft.Azure.Monitor/AzureMonitorLinuxAgent'];
    expect(first(await facts())).toMatchObject({ isAdeEncrypted: false });
    vm.extensions.push(`Microsoft.Azure.Security/${type}`);
    expect(first(await facts())).toMatchObject({ isAdeEncrypted: true });
  });

  it('shows: an OS disk that lives on the host', async () => {
    vm.hasEphemeralOsDisk = true;
    expect(first(await facts())).toMatchObject({ isEphemeral: true });
  });

  it('shows: a disk that was encrypted for a confidential VM', async () => {
    expect(await facts()).toMatchObject({ isConfidential: false });
    disk.securityType = 'ConfidentialVM_DiskEncryptedWithPlatformKey';
    expect(await facts()).toMatchObject({ isConfidential: true });
  });

  it.each([
    [`Compute/disks/`, '-os'],
    ['Network/networkInterfaces/', '-nic'],
  ])('shows: a lock on %s of the VM', async (type, ending) => {
    const lock = { resourceGroup: GROUP, name: 'stay', level: 'ReadOnly' } as const;
    lab.arm.lock({ ...lock, resource: `${type}${name}${ending}` });
    lab.arm.lock({ ...lock, name: 'other', resource: `${type}another${ending}` });
    try {
      expect((await facts()).locks).toEqual(['stay (ReadOnly)']);
    } finally {
      lab.arm.unlock('stay');
      lab.arm.unlock('other');
    }
  });
});

describe('a disk that is exported through a private endpoint', () => {
  /** A disk access with an endpoint in a network. */
  function endpointIn(networkId: string, status = 'Approved'): void {
    const endpoint = lab.arm.put(GROUP, 'Network/privateEndpoints/pe', {
      subnet: { id: `${networkId}/subnets/endpoints` },
    });
    disk.networkAccessPolicy = 'AllowPrivate';
    disk.diskAccessId = lab.arm.put(GROUP, 'Compute/diskAccesses/da', {
      privateEndpointConnections: [
        {
          properties: {
            privateEndpoint: { id: endpoint },
            privateLinkServiceConnectionState: { status },
          },
        },
      ],
    });
  }
  const reachable = async (): Promise<unknown> =>
    (await facts()).disks[0]?.isPrivateExportReachable;

  it('is asked about only where the policy says so', async () => {
    expect(await reachable()).toBeNull();
    disk.networkAccessPolicy = 'AllowPrivate';
    expect(await reachable()).toBe(false);
  });

  it('is reached in its own network, unless nobody approved it', async () => {
    endpointIn(VNET);
    expect(await reachable()).toBe(true);
    endpointIn(VNET, 'Pending');
    expect(await reachable()).toBe(false);
  });

  it('is reached in another network only through a peering that works', async () => {
    const hub = `${VNET}-hub`;
    endpointIn(hub);
    expect(await reachable()).toBe(false);
    const peering = (peeringState: string): string =>
      lab.arm.put(GROUP, 'Network/virtualNetworks/lab-vnet', {
        subnets: [],
        virtualNetworkPeerings: [
          { name: 'hub', properties: { peeringState, remoteVirtualNetwork: { id: hub } } },
        ],
      });
    peering('Disconnected');
    expect(await reachable()).toBe(false);
    peering('Connected');
    expect(await reachable()).toBe(true);
  });
});

describe('the network of the VM', () => {
  const gateway = (group = GROUP): string => {
    const base = `/subscriptions/${SUBSCRIPTION}/resourceGroups/${group}/providers/Microsoft.Network`;
    return `${base}/virtualNetworkGateways/gw`;
  };
  const withGateway = (path: string, more: object = {}): string =>
    lab.arm.put(GROUP, path, {
      subnets: [
        {
          id: `${VNET}/subnets/GatewaySubnet`,
          name: 'GatewaySubnet',
          properties: { ipConfigurations: [{ id: `${gateway()}/ipConfigurations/default` }] },
        },
      ],
      ...more,
    });
  const connection = (connectionType: string, more: object = {}): string =>
    lab.arm.put(GROUP, `Network/connections/${connectionType}`, {
      virtualNetworkGateway1: { id: gateway() },
      connectionType,
      connectionStatus: 'Connected',
      ...more,
    });

  it('says how many addresses its subnet has left', async () => {
    lab.arm.state.subnetAddresses = 251;
    const before = await network();
    expect(before).toMatchObject({ virtualNetworkId: VNET, connection: { kind: 'none' } });
    lab.arm.state.subnetAddresses = 252;
    const { freeSubnetAddressCount: left } = (await network()) ?? {};
    expect(left).toBe((before?.freeSubnetAddressCount ?? 0) + 1);
  });

  it('is none when the VM is gone', async () => {
    expect(await vms.gatherNetwork(GROUP, 'nobody')).toBeNull();
    expect(await vms.virtualNetworkOf(GROUP, 'nobody')).toBeNull();
    expect(await vms.virtualNetworkOf(GROUP, name)).toBe(VNET);
  });

  it.each([
    ['Connected', true],
    ['NotConnected', false],
    ['Unknown', null],
  ])('has a VPN that is %s', async (connectionStatus, isConnected) => {
    withGateway('Network/virtualNetworks/lab-vnet');
    connection('IPsec', { connectionStatus });
    expect((await network())?.connection).toEqual({ kind: 'siteToSiteVpn', isConnected });
  });

  it('uses the gateway of the hub it is peered with', async () => {
    const hub = withGateway('Network/virtualNetworks/hub');
    lab.arm.put(GROUP, 'Network/virtualNetworks/lab-vnet', {
      subnets: [],
      virtualNetworkPeerings: [
        {
          name: 'hub',
          properties: {
            peeringState: 'Connected',
            useRemoteGateways: true,
            remoteVirtualNetwork: { id: hub },
          },
        },
      ],
    });
    connection('IPsec');
    expect((await network())?.connection).toEqual({ kind: 'siteToSiteVpn', isConnected: true });
  });

  it('has ExpressRoute with its peerings, rate and private endpoints', async () => {
    withGateway('Network/virtualNetworks/lab-vnet');
    const circuit = lab.arm.put(GROUP, 'Network/expressRouteCircuits/er', {
      serviceProviderProperties: { bandwidthInMbps: 200 },
      peerings: [
        { name: 'private', properties: { peeringType: 'AzurePrivatePeering', state: 'Enabled' } },
        { name: 'ms', properties: { peeringType: 'MicrosoftPeering', state: 'Disabled' } },
      ],
    });
    connection('IPsec');
    connection('ExpressRoute', { peer: { id: circuit } });
    const line = { kind: 'expressRoute', peerings: ['AzurePrivatePeering'] };
    expect(await network()).toMatchObject({
      connection: { ...line, hasStoragePrivateEndpoint: false },
      linkBitsPerSecond: 2e8,
    });
    lab.arm.put(GROUP, 'Network/privateEndpoints/blobs', {
      subnet: { id: `${VNET}/subnets/endpoints` },
      privateLinkServiceConnections: [
        {
          name: 'blobs',
          properties: {
            groupIds: ['blob'],
            privateLinkServiceConnectionState: { status: 'Approved' },
          },
        },
      ],
    });
    expect((await network())?.connection).toEqual({ ...line, hasStoragePrivateEndpoint: true });
  });

  it('has an ExpressRoute without peerings that carry anything while it is down', async () => {
    withGateway('Network/virtualNetworks/lab-vnet');
    const peer = {
      id: gateway('others').replace('virtualNetworkGateways', 'expressRouteCircuits'),
    };
    connection('ExpressRoute', { peer });
    expect((await network())?.connection).toMatchObject({ kind: 'expressRoute', peerings: null });
    connection('ExpressRoute', { peer, connectionStatus: 'NotConnected' });
    expect((await network())?.connection).toMatchObject({ kind: 'expressRoute', peerings: [] });
  });

  it('is unknown in the parts that nobody may read, and waits for what may pass', async () => {
    const refusal = { status: 403, code: 'AuthorizationFailed', times: 1 };
    lab.arm.inject({ operation: 'virtualNetworks.get', ...refusal });
    expect(await network()).toMatchObject({ connection: null, virtualNetworkId: VNET });
    const busy = { status: 503, code: 'ServiceUnavailable', times: 1 };
    lab.arm.inject({ operation: 'virtualNetworks.get', ...busy });
    await expect(network()).rejects.toMatchObject({ code: 'FB-AZ-002' });
  });
});
