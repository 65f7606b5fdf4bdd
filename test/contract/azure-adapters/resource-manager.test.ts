import { AnonymousCredential, PageBlobClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PageBlobs } from '../../../shared/adapters/azure/page-blobs.ts';
import { BlobReplicaDisks } from '../../../shared/adapters/azure/replica-disks.ts';
import { AzureDiskSnapshots } from '../../../shared/adapters/azure/source-snapshots.ts';
import { ArmVirtualMachines } from '../../../shared/adapters/azure/virtual-machines.ts';
import type { StorageClients } from '../../../shared/adapters/azure/clients.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { SnapshotRequest, SourceAccess } from '../../../shared/ports/azure.ts';
import { storageOf, unique } from '../../support/control-plane/azure-storage.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { type LabAzure, startLabAzure } from '../../support/lab-azure.ts';

const GROUP = 'dr';
const MIB = 1024 * 1024;
const clock = { now: () => new Date() };
const REFUSED = { code: 'FB-AZ-001', isRetryable: false };
const PASSING = { code: 'FB-AZ-002', isRetryable: true };

let lab: LabAzure;
let storage: StorageClients;
let vms: ArmVirtualMachines;
let snapshots: AzureDiskSnapshots;
let replicas: BlobReplicaDisks;

beforeAll(async () => {
  lab = await startLabAzure();
  storage = storageOf(lab.azurite);
  const blobs = new PageBlobs(storage.blobs);
  vms = new ArmVirtualMachines(lab.clients, blobs);
  const warn = (message: string): never => {
    throw new Error(message);
  };
  snapshots = new AzureDiskSnapshots({ arm: lab.clients, blobs, clock, warn });
  replicas = new BlobReplicaDisks(storage, lab.clients, clock);
});
afterAll(async () => lab.stop());

/** A VM that runs, with an OS disk and a data disk. */
async function aVm(): Promise<string> {
  const name = unique('vm');
  const disks = [
    { name: `${name}-os`, sizeBytes: 2 * MIB, lun: null, writableFrom: MIB },
    { name: `${name}-data`, sizeBytes: MIB, lun: 0, writableFrom: 0 },
  ];
  const rest = { osType: 'Linux', vmSize: 'Standard_D2s_v5' } as const;
  await lab.arm.seed({ resourceGroup: GROUP, name, disks, ...rest });
  return name;
}

const powered = async (vm: string, state: string): Promise<void> =>
  untilTrue(`${vm} is ${state}`, async () => (await vms.powerState(GROUP, vm)) === state);
const fail = (operation: string, status: number, code: string, times = 1): void =>
  lab.arm.inject({ operation, status, code, times });
const open = (url: Secret): PageBlobClient =>
  new PageBlobClient(url.reveal(), new AnonymousCredential(), { retryOptions: { maxTries: 1 } });

describe('the VM in Azure', () => {
  it.each([
    ['powerOff', 'stopped'],
    ['deallocate', 'deallocated'],
    ['start', 'running'],
  ] as const)('takes %s twice', async (action, state) => {
    const vm = await aVm();
    if (action === 'start') {
      await vms.beginPowerChange(GROUP, vm, 'deallocate');
      await powered(vm, 'deallocated');
    }
    await vms.beginPowerChange(GROUP, vm, action);
    await powered(vm, state);
    await vms.beginPowerChange(GROUP, vm, action);
    await powered(vm, state);
  });

  it('that is missing cannot be switched, is deleted already, and has no facts', async () => {
    await expect(vms.beginPowerChange(GROUP, 'nobody', 'start')).rejects.toMatchObject(REFUSED);
    await vms.beginDelete(GROUP, 'nobody');
    expect(await vms.gatherFacts(GROUP, 'nobody', null)).toEqual({
      exists: false,
      powerState: 'absent',
      whereabouts: null,
      vmId: null,
      generation: null,
      isConfidential: null,
      locks: null,
      disks: [],
    });
  });

  it('shows the facts that preflight asks for', async () => {
    const vm = await aVm();
    const plain = {
      isAdeEncrypted: false,
      isShared: false,
      isEphemeral: false,
      logicalSectorBytes: 512,
      isPrivateExportReachable: null,
    };
    expect(await vms.gatherFacts(GROUP, vm, null)).toEqual({
      exists: true,
      whereabouts: { kind: 'inPlace' },
      vmId: expect.any(String) as unknown,
      generation: 'V1',
      powerState: 'running',
      isConfidential: false,
      locks: [],
      disks: [
        {
          id: 'os',
          diskName: `${vm}-os`,
          sizeBytes: 2 * MIB,
          networkAccessPolicy: 'AllowAll',
          ...plain,
        },
        {
          id: 'lun-0',
          diskName: `${vm}-data`,
          sizeBytes: MIB,
          networkAccessPolicy: 'AllowAll',
          ...plain,
        },
      ],
    });
  });

  it('does not mind the locks of its neighbours', async () => {
    const [vm, neighbour] = [await aVm(), await aVm()];
    const lock = { resourceGroup: GROUP, name: 'keep', level: 'CanNotDelete' } as const;
    lab.arm.lock({ ...lock, vmName: neighbour });
    try {
      expect((await vms.gatherFacts(GROUP, vm, null)).locks).toEqual([]);
      expect((await vms.gatherFacts(GROUP, neighbour, null)).locks).toEqual([
        'keep (CanNotDelete)',
      ]);
    } finally {
      lab.arm.unlock('keep');
    }
  });

  it('is deleted once, also when the deletion was cut off after its first half', async () => {
    const vm = await aVm();
    fail('virtualMachines.delete', 503, 'ServiceUnavailable');
    await expect(vms.beginDelete(GROUP, vm)).rejects.toMatchObject(PASSING);
    await vms.beginDelete(GROUP, vm);
    await powered(vm, 'absent');
    await vms.beginDelete(GROUP, vm);
    await untilTrue('its disks are gone', async () =>
      lab.clients.compute.disks.get(GROUP, `${vm}-data`).then(
        () => false,
        () => true,
      ),
    );
  });

  it.each([
    [429, 'TooManyRequests', PASSING],
    [409, 'OperationNotAllowed', PASSING],
    [503, 'ServiceUnavailable', PASSING],
    [403, 'AuthorizationFailed', REFUSED],
    [409, 'ScopeLocked', REFUSED],
    [400, 'InvalidParameter', REFUSED],
  ])(
    'that Azure answers with %s %s is told apart by whether it may pass',
    async (status, code, error) => {
      const vm = await aVm();
      fail('virtualMachines.powerOff', status, code);
      await expect(vms.beginPowerChange(GROUP, vm, 'powerOff')).rejects.toMatchObject({
        ...error,
        values: { code, operation: `powerOff ${vm}` },
      });
    },
  );

  it('of a size that its region does not offer is named', async () => {
    const name = unique('vm');
    const disks = [{ name: `${name}-os`, sizeBytes: MIB, lun: null, writableFrom: 0 }];
    const rest = { osType: 'Linux', vmSize: 'Standard_Nowhere' } as const;
    await lab.arm.seed({ resourceGroup: GROUP, name, disks, ...rest });
    await expect(vms.describe(GROUP, name)).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('Standard_Nowhere'),
    });
  });
});

describe('snapshots of a VM that has one disk of interest', () => {
  const request = (vm: string, pointId: string): SnapshotRequest => ({
    resourceGroup: GROUP,
    itemId: `item-${vm}`,
    vmName: vm,
    pointId,
    disks: [{ id: 'lun-0', diskName: `${vm}-data`, kind: 'managedDisk' }],
    consistency: 'crashConsistent',
    isOneInstantWanted: false,
  });
  const take = async (vm: string, pointId: string): Promise<string> =>
    (await snapshots.take(request(vm, pointId))).snapshots['lun-0'] ?? '';
  const read = async (snapshot: string): Promise<SourceAccess | null> =>
    snapshots.grantRead(GROUP, { snapshot, base: null });

  it('are taken once, also when Azure was busy at first', async () => {
    const vm = await aVm();
    fail('snapshots.createOrUpdate', 429, 'TooManyRequests');
    const point = unique('p');
    await expect(take(vm, point)).rejects.toMatchObject(PASSING);
    const first = await snapshots.take(request(vm, point));
    expect(await snapshots.take(request(vm, point))).toEqual(first);
    const { deleted } = await snapshots.prune({ ...request(vm, point), keep: [] });
    expect(deleted).toBe(1);
  });

  it('cannot be taken of a VM that is not there', async () => {
    await expect(take('nobody', 'p')).rejects.toMatchObject({
      ...REFUSED,
      values: { code: 'ResourceNotFound' },
    });
  });

  it('are those of their item only', async () => {
    const [one, two] = [await aVm(), await aVm()];
    const [first, second] = [await take(one, unique('p')), await take(two, unique('p'))];
    expect(await snapshots.prune({ ...request(two, 'p'), keep: [] })).toEqual({ deleted: 1 });
    expect(await read(second)).toBeNull();
    expect(await read(first)).not.toBeNull();
  });

  it('are opened for reading, for a while, with a URL that nobody prints by accident', async () => {
    const name = await take(await aVm(), unique('p'));
    const [grant, again] = [await read(name), await read(name)];
    expect(JSON.stringify([grant, again])).not.toContain('sig=');
    expect(grant!.source.expiresAt.getTime()).toBeGreaterThan(Date.now() + 30 * 60_000);
    for (const { source } of [grant!, again!]) {
      expect(await open(source.url).downloadToBuffer(0, 512)).toHaveLength(512);
    }
    const write = open(grant!.source.url).uploadPages(Buffer.alloc(512), 0, 512);
    await expect(write).rejects.toMatchObject({ statusCode: 403 });
  });

  it('are removed while they are open, and then cannot be read any more', async () => {
    const vm = await aVm();
    const name = await take(vm, unique('p'));
    const grant = await read(name);
    const prune = { ...request(vm, 'p'), keep: [] };
    fail('snapshots.delete', 503, 'ServiceUnavailable');
    await expect(snapshots.prune(prune)).rejects.toMatchObject(PASSING);
    expect(await snapshots.prune(prune)).toEqual({ deleted: 1 });
    expect(await snapshots.prune(prune)).toEqual({ deleted: 0 });
    // A client without retries: the default one waits for seconds.
    const attempt: unknown = await open(grant!.source.url)
      .getProperties()
      .catch((error: unknown) => error);
    expect([403, 404]).toContain((attempt as { statusCode?: number }).statusCode);
    expect(await read(name)).toBeNull();
  });
});

describe('a replica that stays in Azure', () => {
  const kind = 'managedDisk';
  /** A deallocated VM whose data disk has begun to be copied to a replica. */
  async function seeded(): Promise<{ vm: string; diskName: string; replicaName: string }> {
    const vm = await aVm();
    await vms.beginPowerChange(GROUP, vm, 'deallocate');
    await powered(vm, 'deallocated');
    const [diskName, replicaName] = [`${vm}-data`, `${vm}/lun-0.vhd`];
    await replicas.beginSeed({ resourceGroup: GROUP, diskName, kind, replicaName });
    await untilTrue('it is copied', async () => {
      return (await replicas.seedState(replicaName)).state === 'done';
    });
    return { vm, diskName, replicaName };
  }
  const blobOf = (replicaName: string): PageBlobClient =>
    storage.blobs.getContainerClient('replicas').getPageBlobClient(replicaName);
  async function snapshotCount(replicaName: string): Promise<number> {
    const container = storage.blobs.getContainerClient('replicas');
    let count = 0;
    const options = { prefix: replicaName, includeSnapshots: true };
    for await (const { snapshot } of container.listBlobsFlat(options)) {
      if (snapshot !== undefined && snapshot !== '') count += 1;
    }
    return count;
  }

  it('begins as a copy of the disk, footer and all', async () => {
    const { diskName, replicaName } = await seeded();
    const { copiedBytes, totalBytes } = await replicas.seedState(replicaName);
    expect([copiedBytes, totalBytes]).toEqual([MIB + 512, MIB + 512]);
    expect((await blobOf(replicaName).getProperties()).contentLength).toBe(MIB + 512);
    await replicas.endSeed({ resourceGroup: GROUP, diskName, kind });
    await replicas.endSeed({ resourceGroup: GROUP, diskName, kind });
  });

  it('is not copied again when the activity runs again, so that what came since stays', async () => {
    const { diskName, replicaName } = await seeded();
    await blobOf(replicaName).uploadPages(Buffer.alloc(512, 'x'), 0, 512);
    await replicas.beginSeed({ resourceGroup: GROUP, diskName, kind, replicaName });
    const bytes = await blobOf(replicaName).downloadToBuffer(0, 512);
    expect(bytes.equals(Buffer.alloc(512, 'x'))).toBe(true);
  });

  it('of an earlier failback makes place, with its recovery points', async () => {
    const { replicaName } = await seeded();
    await replicas.seal(replicaName, 'point-1');
    const other = await seeded();
    const { diskName } = other;
    await replicas.beginSeed({ resourceGroup: GROUP, diskName, kind, replicaName });
    await untilTrue('it is copied', async () => {
      return (await replicas.seedState(replicaName)).state === 'done';
    });
    expect(await snapshotCount(replicaName)).toBe(0);
  });

  it('cannot begin while the VM runs, and may once it is deallocated', async () => {
    const vm = await aVm();
    const request = {
      resourceGroup: GROUP,
      diskName: `${vm}-data`,
      kind,
      replicaName: `${vm}/data`,
    } as const;
    await expect(replicas.beginSeed(request)).rejects.toMatchObject({
      values: { code: 'OperationNotAllowed' },
    });
    expect(await replicas.seedState(`${vm}/data`)).toMatchObject({ state: 'pending' });
  });

  it('leaves the disk free when its seed has ended: the VM starts again', async () => {
    const { vm, diskName } = await seeded();
    await replicas.endSeed({ resourceGroup: GROUP, diskName, kind });
    await vms.beginPowerChange(GROUP, vm, 'start');
    await powered(vm, 'running');
    await replicas.endSeed({
      resourceGroup: GROUP,
      diskName: 'a-disk-that-is-gone',
      kind,
    });
  });

  it('is written by who has its URL, and nothing beside it', async () => {
    const { replicaName } = await seeded();
    const { url, expiresAt } = await replicas.grantWrite(replicaName);
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
    await open(url).uploadPages(Buffer.alloc(512, 'y'), 512, 512);
    const bytes = await open(url).downloadToBuffer(512, 512);
    expect(bytes.equals(Buffer.alloc(512, 'y'))).toBe(true);
    await expect(open(url).delete()).rejects.toMatchObject({ statusCode: 403 });
    const elsewhere = new URL(url.reveal());
    elsewhere.pathname = '/failback/replicas/another';
    const other = open(new Secret(elsewhere.href));
    await expect(other.create(512)).rejects.toMatchObject({ statusCode: 403 });
  });

  it('has one recovery point for each seal, however often it is asked for', async () => {
    const { replicaName } = await seeded();
    await replicas.seal(replicaName, 'point-1');
    await replicas.seal(replicaName, 'point-1');
    expect(await snapshotCount(replicaName)).toBe(1);
    await replicas.seal(replicaName, 'point-2');
    expect(await snapshotCount(replicaName)).toBe(2);
  });

  it('is known again after a seal: the next seed is still the same', async () => {
    const { diskName, replicaName } = await seeded();
    await replicas.seal(replicaName, 'point-1');
    await replicas.beginSeed({ resourceGroup: GROUP, diskName, kind, replicaName });
    expect(await snapshotCount(replicaName)).toBe(1);
  });
});
