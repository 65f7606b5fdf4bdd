import type { PageBlobClient } from '@azure/storage-blob';
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../../shared/domain/secret.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { aVm, GROUP, MIB, open, powered, useAdapters } from './adapter-fixture.ts';

const lab = useAdapters();

describe('a replica that stays in Azure', () => {
  const kind = 'managedDisk';
  /** A deallocated VM whose data disk has begun to be copied to a replica. */
  async function seeded(): Promise<{ vm: string; diskName: string; replicaName: string }> {
    const vm = await aVm(lab);
    await lab.vms.beginPowerChange(GROUP, vm, 'deallocate');
    await powered(lab, vm, 'deallocated');
    const [diskName, replicaName] = [`${vm}-data`, `${vm}/lun-0.vhd`];
    await lab.replicas.beginSeed({ resourceGroup: GROUP, diskName, kind, replicaName });
    await untilTrue('it is copied', async () => {
      return (await lab.replicas.seedState(replicaName)).state === 'done';
    });
    return { vm, diskName, replicaName };
  }
  const blobOf = (replicaName: string): PageBlobClient =>
    lab.storage.blobs.getContainerClient('replicas').getPageBlobClient(replicaName);
  async function snapshotCount(replicaName: string): Promise<number> {
    const container = lab.storage.blobs.getContainerClient('replicas');
    let count = 0;
    const options = { prefix: replicaName, includeSnapshots: true };
    for await (const { snapshot } of container.listBlobsFlat(options)) {
      if (snapshot !== undefined && snapshot !== '') count += 1;
    }
    return count;
  }

  it('begins as a copy of the disk, footer and all', async () => {
    const { diskName, replicaName } = await seeded();
    const { copiedBytes, totalBytes } = await lab.replicas.seedState(replicaName);
    expect([copiedBytes, totalBytes]).toEqual([MIB + 512, MIB + 512]);
    expect((await blobOf(replicaName).getProperties()).contentLength).toBe(MIB + 512);
    await lab.replicas.endSeed({ resourceGroup: GROUP, diskName, kind });
    await lab.replicas.endSeed({ resourceGroup: GROUP, diskName, kind });
  });

  it('is not copied again when the activity runs again, so that what came since stays', async () => {
    const { diskName, replicaName } = await seeded();
    await blobOf(replicaName).uploadPages(Buffer.alloc(512, 'x'), 0, 512);
    await lab.replicas.beginSeed({ resourceGroup: GROUP, diskName, kind, replicaName });
    const bytes = await blobOf(replicaName).downloadToBuffer(0, 512);
    expect(bytes.equals(Buffer.alloc(512, 'x'))).toBe(true);
  });

  it('of an earlier failback makes place, with its recovery points', async () => {
    const { replicaName } = await seeded();
    await lab.replicas.seal(replicaName, 'point-1');
    const other = await seeded();
    const { diskName } = other;
    await lab.replicas.beginSeed({ resourceGroup: GROUP, diskName, kind, replicaName });
    await untilTrue('it is copied', async () => {
      return (await lab.replicas.seedState(replicaName)).state === 'done';
    });
    expect(await snapshotCount(replicaName)).toBe(0);
  });

  it('cannot begin while the VM runs, and may once it is deallocated', async () => {
    const vm = await aVm(lab);
    const request = {
      resourceGroup: GROUP,
      diskName: `${vm}-data`,
      kind,
      replicaName: `${vm}/data`,
    } as const;
    await expect(lab.replicas.beginSeed(request)).rejects.toMatchObject({
      values: { code: 'OperationNotAllowed' },
    });
    expect(await lab.replicas.seedState(`${vm}/data`)).toMatchObject({ state: 'pending' });
  });

  it('leaves the disk free when its seed has ended: the VM starts again', async () => {
    const { vm, diskName } = await seeded();
    await lab.replicas.endSeed({ resourceGroup: GROUP, diskName, kind });
    await lab.vms.beginPowerChange(GROUP, vm, 'start');
    await powered(lab, vm, 'running');
    await lab.replicas.endSeed({
      resourceGroup: GROUP,
      diskName: 'a-disk-that-is-gone',
      kind,
    });
  });

  it('is written by who has its URL, and nothing beside it', async () => {
    const { replicaName } = await seeded();
    const { url, expiresAt } = await lab.replicas.grantWrite(replicaName);
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
    await lab.replicas.seal(replicaName, 'point-1');
    await lab.replicas.seal(replicaName, 'point-1');
    expect(await snapshotCount(replicaName)).toBe(1);
    await lab.replicas.seal(replicaName, 'point-2');
    expect(await snapshotCount(replicaName)).toBe(2);
  });

  it('is known again after a seal: the next seed is still the same', async () => {
    const { diskName, replicaName } = await seeded();
    await lab.replicas.seal(replicaName, 'point-1');
    await lab.replicas.beginSeed({ resourceGroup: GROUP, diskName, kind, replicaName });
    expect(await snapshotCount(replicaName)).toBe(1);
  });
});
