import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createStorageClients } from '../../../shared/adapters/azure/clients.ts';
import { BlobReplicaDisks } from '../../../shared/adapters/azure/replica-disks.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { must } from '../../support/must.ts';
import { GROUP, MIB, SourceLab } from './source-lab.ts';

let lab: SourceLab;

beforeAll(async () => {
  lab = await SourceLab.start();
});
afterAll(async () => lab.stop());

describe('the replica of a disk that is a page blob', () => {
  it('begins as a copy of a snapshot of the blob, once for each snapshot', async () => {
    const { azurite, clients } = lab.azure;
    const connectionString = new Secret(azurite.connectionString('failback'));
    const storage = createStorageClients(
      { kind: 'connectionString', connectionString },
      { getToken: async () => null },
    );
    const replicas = new BlobReplicaDisks(storage, clients, { now: () => new Date() });
    const url = await lab.createPageBlob('seed.vhd', MIB);
    const disk = { name: 'seed-os', sizeBytes: MIB, lun: null, writableFrom: 0, vhdUri: url };
    await lab.seed('seed', { disks: [disk] });
    const taken = async (pointId: string): Promise<string> => {
      const { snapshots } = await lab.snapshots.take({
        resourceGroup: GROUP,
        itemId: 'item',
        vmName: 'seed',
        pointId,
        disks: [{ id: 'os', diskName: url, kind: 'pageBlob' }],
        consistency: 'crashConsistent',
        isOneInstantWanted: false,
      });
      return must(snapshots['os'], 'the snapshot of the blob');
    };
    const request = { resourceGroup: GROUP, snapshotName: await taken('p1') };
    const replicaName = 'item/os.vhd';
    const replica = storage.blobs.getContainerClient('replicas').getPageBlobClient(replicaName);
    const source = lab.pageBlob(url);
    const bytes = await source.downloadToBuffer();
    // What comes after the snapshot is not copied.
    await source.uploadPages(Buffer.alloc(512, 'x'), 512, 512);
    await replicas.beginSeed({ ...request, replicaName });
    expect((await replicas.seedState(replicaName)).state).toBe('done');
    expect((await replica.downloadToBuffer()).equals(bytes)).toBe(true);
    // What the way back has written since must survive a repeated call.
    await replica.uploadPages(Buffer.alloc(512, 'w'), 0, 512);
    await replicas.beginSeed({ ...request, replicaName });
    expect((await replica.downloadToBuffer(0, 512)).toString()).toBe('w'.repeat(512));
    await source.uploadPages(Buffer.alloc(512, 'n'), 0, 512);
    await replicas.beginSeed({ ...request, snapshotName: await taken('p2'), replicaName });
    expect((await replica.downloadToBuffer(0, 512)).toString()).toBe('n'.repeat(512));
  }, 60_000);
});
