import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createStorageClients } from '../../../shared/adapters/azure/clients.ts';
import { BlobReplicaDisks } from '../../../shared/adapters/azure/replica-disks.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { VHD_FOOTER_BYTES } from '../../../shared/domain/vhd-footer.ts';
import { GROUP, MIB, SourceLab } from './source-lab.ts';

let lab: SourceLab;

beforeAll(async () => {
  lab = await SourceLab.start();
});
afterAll(async () => lab.stop());

describe('the replica of a disk that is a page blob', () => {
  it('begins as a copy of the blob, once for each incarnation of it', async () => {
    const { azurite, clients } = lab.azure;
    const connectionString = new Secret(azurite.connectionString('failback'));
    const storage = createStorageClients(
      { kind: 'connectionString', connectionString },
      { getToken: async () => null },
    );
    const replicas = new BlobReplicaDisks(storage, clients, { now: () => new Date() });
    const url = await lab.createPageBlob('seed.vhd', MIB);
    const request = { resourceGroup: GROUP, diskName: url, kind: 'pageBlob' } as const;
    const replicaName = 'item/os.vhd';
    const replica = storage.blobs.getContainerClient('replicas').getPageBlobClient(replicaName);
    await replicas.beginSeed({ ...request, replicaName });
    expect((await replicas.seedState(replicaName)).state).toBe('done');
    const source = lab.pageBlob(url);
    const bytes = await source.downloadToBuffer();
    expect((await replica.downloadToBuffer()).equals(bytes)).toBe(true);
    // What the way back has written since must survive a repeated call.
    await replica.uploadPages(Buffer.alloc(512, 'w'), 0, 512);
    await replicas.beginSeed({ ...request, replicaName });
    expect((await replica.downloadToBuffer(0, 512)).toString()).toBe('w'.repeat(512));
    // The age of a blob is told in whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await source.create(MIB + VHD_FOOTER_BYTES);
    await replicas.beginSeed({ ...request, replicaName });
    expect((await replica.downloadToBuffer(0, 512)).equals(Buffer.alloc(512))).toBe(true);
    await replicas.endSeed(request);
  }, 60_000);
});
