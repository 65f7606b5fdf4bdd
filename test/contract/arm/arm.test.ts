import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AnonymousCredential, BlobServiceClient, PageBlobClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseVhdFooter } from '../../../shared/domain/vhd-footer.ts';
import { PageBlobs } from '../../../shared/adapters/azure/page-blobs.ts';
import { ArmProcessServers } from '../../../shared/adapters/azure/process-servers.ts';
import { ArmVirtualMachines } from '../../../shared/adapters/azure/virtual-machines.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { type LabAzure, startLabAzure } from '../../support/lab-azure.ts';

const GROUP = 'dr';
const MIB = 1024 * 1024;
let lab: LabAzure;
let nowMs = Date.now();
const now = (): Date => new Date(nowMs);

const outcome = async (attempt: PromiseLike<unknown>): Promise<string> =>
  Promise.resolve(attempt).then(
    () => 'done',
    (error: { code?: string; statusCode?: number; message: string }) => error.code ?? error.message,
  );

async function seed(name: string): Promise<void> {
  await lab.arm.seed({
    resourceGroup: GROUP,
    name,
    osType: 'Linux',
    vmSize: 'Standard_D2s_v5',
    disks: [
      { name: `${name}-os`, sizeBytes: 4 * MIB, lun: null, writableFrom: MIB },
      { name: `${name}-data`, sizeBytes: 2 * MIB, lun: 0, writableFrom: 0 },
    ],
  });
}

async function snapshot(disk: string, name: string): Promise<string> {
  const { compute } = lab.clients;
  const { id } = await compute.disks.get(GROUP, disk);
  await compute.snapshots.createOrUpdate(GROUP, name, {
    location: 'lab',
    incremental: true,
    creationData: { createOption: 'Copy', sourceResourceId: id ?? '' },
  });
  const { accessSAS } = await compute.snapshots.grantAccess(GROUP, name, {
    access: 'Read',
    durationInSeconds: 3600,
  });
  return accessSAS ?? '';
}

const reader = (url: string): PageBlobClient =>
  new PageBlobClient(url, new AnonymousCredential(), { retryOptions: { maxTries: 1 } });

const machines = (): ArmVirtualMachines => {
  const connection = lab.azurite.connectionString('failback');
  const blobs = new PageBlobs(BlobServiceClient.fromConnectionString(connection));
  return new ArmVirtualMachines(lab.clients, blobs);
};

beforeAll(async () => {
  lab = await startLabAzure(now);
});
afterAll(async () => lab.stop());

describe('virtual machines of the lab', () => {
  it('shows shape, disks and power as the product asks for them', async () => {
    await seed('shape');
    const vms = machines();
    expect(await vms.describe(GROUP, 'shape')).toMatchObject({
      osType: 'Linux',
      firmware: 'bios',
      cpuCount: 2,
      memoryMiB: 8192,
      disks: [
        { id: 'os', isOsDisk: true, diskName: 'shape-os', sizeBytes: 4 * MIB },
        { id: 'lun-0', isOsDisk: false, diskName: 'shape-data', sizeBytes: 2 * MIB },
      ],
    });
    expect(await vms.powerState(GROUP, 'shape')).toBe('running');
    expect(await vms.powerState(GROUP, 'nobody')).toBe('absent');
    expect(await vms.describe(GROUP, 'nobody')).toBeNull();
  }, 30_000);

  it('stops, deallocates, starts and deletes with disks and interfaces', async () => {
    await seed('life');
    const vms = machines();
    const { virtualMachines, disks } = lab.clients.compute;
    await virtualMachines.powerOff(GROUP, 'life');
    expect(await vms.powerState(GROUP, 'life')).toBe('stopped');
    await virtualMachines.deallocate(GROUP, 'life');
    expect(await vms.powerState(GROUP, 'life')).toBe('deallocated');
    await virtualMachines.start(GROUP, 'life');
    expect(await vms.powerState(GROUP, 'life')).toBe('running');
    await vms.beginDelete(GROUP, 'life', ['life-os', 'life-data']);
    for (let look = 0; look < 50 && (await vms.powerState(GROUP, 'life')) !== 'absent'; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await vms.powerState(GROUP, 'life')).toBe('absent');
    expect(await outcome(disks.get(GROUP, 'life-data'))).toBe('ResourceNotFound');
    const nic = lab.clients.network.networkInterfaces.get(GROUP, 'life-nic');
    expect(await outcome(nic)).toBe('ResourceNotFound');
  }, 60_000);

  it('keeps disks of a VM that is deleted with the default of the API', async () => {
    await seed('detach');
    await lab.clients.compute.virtualMachines.delete(GROUP, 'detach');
    const disk = await lab.clients.compute.disks.get(GROUP, 'detach-os');
    expect(disk.diskState).toBe('Unattached');
  }, 30_000);

  it('refuses changes under a lock', async () => {
    await seed('locked');
    lab.arm.lock({ resourceGroup: GROUP, name: 'keep', level: 'ReadOnly', vmName: 'locked' });
    const { virtualMachines } = lab.clients.compute;
    expect(await outcome(virtualMachines.powerOff(GROUP, 'locked'))).toBe('ScopeLocked');
    const facts = await machines().gatherFacts(GROUP, 'locked', null);
    expect(facts.locks).toEqual(['keep (ReadOnly)']);
    lab.arm.unlock('keep');
  }, 30_000);
});

describe('disks and snapshots of the lab', () => {
  it('carries a disk from one snapshot to the next by its diff alone', async () => {
    await seed('chain');
    const { uniqueId } = await lab.clients.compute.disks.get(GROUP, 'chain-data');
    const source = lab.arm.state.disks.find((disk) => disk.uniqueId === uniqueId);
    expect(source?.sizeBytes).toBe(2 * MIB);
    const container = new PageBlobClient(
      lab.azurite.connectionString('labdisks'),
      'disks',
      `${uniqueId}.vhd`,
    );
    await container.uploadPages(Buffer.alloc(4096, 'a'), 0, 4096);
    const first = await snapshot('chain-data', 'chain-1');
    const target = await reader(first).downloadToBuffer(0, 2 * MIB);
    await container.uploadPages(Buffer.alloc(512, 'b'), 8192, 512);
    await container.clearPages(512, 1024);
    const second = await snapshot('chain-data', 'chain-2');
    const diff = await reader(second).getPageRangesDiffForManagedDisks(0, 2 * MIB, first);
    for (const { offset, count } of diff.clearRange ?? [])
      target.fill(0, offset, offset + (count ?? 0) + 1);
    for (const { offset, count } of diff.pageRange ?? []) {
      const bytes = await reader(second).downloadToBuffer(offset, (count ?? 0) + 1);
      bytes.copy(target, offset);
    }
    expect(target.equals(await reader(second).downloadToBuffer(0, 2 * MIB))).toBe(true);
    const footer = await reader(second).downloadToBuffer(2 * MIB, 512);
    expect(parseVhdFooter(footer)).toEqual({ sizeBytes: 2 * MIB, creator: 'wa' });
  }, 60_000);

  it('refuses a SAS after it was revoked', async () => {
    await seed('revoke');
    const url = await snapshot('revoke-data', 'revoke-1');
    await reader(url).getPageRanges(0, 512);
    await lab.clients.compute.snapshots.revokeAccess(GROUP, 'revoke-1');
    expect(await outcome(reader(url).getPageRanges(0, 512))).toMatch(/AuthenticationFailed|403/);
  }, 30_000);

  it('takes seven snapshots of a disk in five minutes and refuses the eighth for a while', async () => {
    await seed('rate');
    const { compute } = lab.clients;
    const { id } = await compute.disks.get(GROUP, 'rate-data');
    const take = async (name: string): Promise<unknown> =>
      compute.snapshots.createOrUpdate(GROUP, name, {
        location: 'lab',
        incremental: true,
        creationData: { createOption: 'Copy', sourceResourceId: id ?? '' },
      });
    await Promise.all(['1', '2', '3', '4', '5', '6', '7'].map((n) => take(`rate-${n}`)));
    expect(await outcome(take('rate-8'))).toBe('TooManyRequests');
    nowMs += 5 * 60_000;
    expect(await outcome(take('rate-8'))).toBe('done');
  }, 60_000);

  it('lets five snapshots of a family be read at a time', async () => {
    await seed('sas');
    for (let n = 1; n <= 5; n += 1) await snapshot('sas-data', `sas-${n}`);
    expect(await outcome(snapshot('sas-data', 'sas-6'))).toBe('OperationNotAllowed');
    await lab.clients.compute.snapshots.revokeAccess(GROUP, 'sas-1');
    expect(await outcome(snapshot('sas-data', 'sas-6'))).toBe('done');
  }, 90_000);

  it('exports a disk only of a deallocated VM, which then cannot start', async () => {
    await seed('export');
    const { disks, virtualMachines } = lab.clients.compute;
    const grant = async (): Promise<unknown> =>
      disks.grantAccess(GROUP, 'export-os', { access: 'Read', durationInSeconds: 60 });
    expect(await outcome(grant())).toBe('OperationNotAllowed');
    await virtualMachines.deallocate(GROUP, 'export');
    expect(await outcome(grant())).toBe('done');
    expect(await outcome(virtualMachines.start(GROUP, 'export'))).toBe('OperationNotAllowed');
    await disks.revokeAccess(GROUP, 'export-os');
    expect(await outcome(virtualMachines.start(GROUP, 'export'))).toBe('done');
  }, 60_000);

  it('takes restore points of all disks at once and opens them one by one', async () => {
    await seed('point');
    const { restorePointCollections, restorePoints, diskRestorePoint, virtualMachines } =
      lab.clients.compute;
    const { id } = await virtualMachines.get(GROUP, 'point');
    await restorePointCollections.createOrUpdate(GROUP, 'points', {
      location: 'lab',
      source: { id: id ?? '' },
    });
    const point = await restorePoints.create(GROUP, 'points', 'p1', {
      consistencyMode: 'CrashConsistent',
    });
    const disksOf = point.sourceMetadata?.storageProfile;
    const osPoint = disksOf?.osDisk?.diskRestorePoint?.id?.split('/').at(-1) ?? '';
    expect(disksOf?.dataDisks).toHaveLength(1);
    const access = await diskRestorePoint.grantAccess(GROUP, 'points', 'p1', osPoint, {
      access: 'Read',
      durationInSeconds: 60,
    });
    expect((await reader(access.accessSAS ?? '').getProperties()).contentLength).toBe(
      4 * MIB + 512,
    );
    expect(await outcome(restorePoints.delete(GROUP, 'points', 'p1'))).toBe(
      'DiskRestorePointUsedByCustomer',
    );
    await diskRestorePoint.revokeAccess(GROUP, 'points', 'p1', osPoint);
    await restorePoints.delete(GROUP, 'points', 'p1');
    expect(await outcome(restorePoints.get(GROUP, 'points', 'p1'))).toBe('ResourceNotFound');
  }, 60_000);
});

describe('deployed process servers and restarts', () => {
  it('boots an appliance from its cloud-init data and goes on after a restart', async () => {
    await seed('neighbour');
    const vm = await machines().describe(GROUP, 'neighbour');
    const processServers = new ArmProcessServers(lab.clients, {
      controlPlaneUrl: 'http://127.0.0.1:1',
      registrationToken: new Secret('token'),
      passphrase: new Secret('pass'),
      packageUrl: 'https://example.invalid/agents.tar.gz',
      vmSize: 'Standard_F4s_v2',
      adminSshPublicKey: 'ssh-ed25519 AAAA',
      image: { publisher: 'Debian', offer: 'debian-12', sku: '12', version: 'latest' },
    });
    const request = {
      name: 'ps1',
      resourceGroup: GROUP,
      location: 'lab',
      subnetId: vm?.subnetId ?? '',
    };
    await processServers.deploy(request);
    await processServers.deploy(request);
    for (let look = 0; look < 50 && lab.booted.length === 0; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(lab.booted).toHaveLength(1);
    const [booted] = lab.booted;
    const config = readFileSync(
      join(booted?.rootFolder ?? '', '/etc/azure-failback/process-server.json'),
      'utf8',
    );
    expect(JSON.parse(config)).toMatchObject({ name: 'ps1', registrationToken: 'token' });
    lab = await lab.restartArm();
    expect(lab.booted.map(({ vmName }) => vmName)).toEqual(['ps1']);
    expect(await machines().powerState(GROUP, 'ps1')).toBe('running');
  }, 60_000);

  it('answers without a token with 401', async () => {
    const url = `${lab.arm.endpoint}/subscriptions/x/resourceGroups/dr?api-version=1`;
    const { request } = await import('node:https');
    const status = await new Promise<number | undefined>((resolve) => {
      request(url, { rejectUnauthorized: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    expect(status).toBe(401);
  });
});
