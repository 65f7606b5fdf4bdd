import type { PageBlobClient } from '@azure/storage-blob';
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../../shared/domain/secret.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { must } from '../../support/must.ts';
import { aVm, GROUP, MIB, open, powered, REFUSED, useAdapters } from './adapter-fixture.ts';

const lab = useAdapters();

describe('a replica that stays in Azure', () => {
  interface Seed {
    readonly vm: string;
    readonly snapshotName: string;
    readonly replicaName: string;
  }
  /** The data disk of a VM at an instant: an incremental snapshot of it, or a restore point of the whole VM. */
  async function taken(isOneInstantWanted: boolean): Promise<Seed> {
    const vm = await aVm(lab);
    const pointId = `${vm}-p1`;
    const disks = [
      { id: 'os', diskName: `${vm}-os`, kind: 'managedDisk' },
      { id: 'lun-0', diskName: `${vm}-data`, kind: 'managedDisk' },
    ] as const;
    const request = { resourceGroup: GROUP, itemId: vm, vmName: vm, pointId, disks };
    const how = { consistency: 'crashConsistent', isOneInstantWanted } as const;
    const { snapshots } = await lab.snapshots.take({ ...request, ...how });
    const snapshotName = must(snapshots['lun-0'], 'the snapshot of the data disk');
    return { vm, snapshotName, replicaName: `${vm}/lun-0.vhd` };
  }
  async function copied({ snapshotName, replicaName }: Omit<Seed, 'vm'>): Promise<void> {
    await lab.replicas.beginSeed({ resourceGroup: GROUP, snapshotName, replicaName });
    await untilTrue('it is copied', async () => {
      return (await lab.replicas.seedState(replicaName)).state === 'done';
    });
  }
  async function seeded(isOneInstantWanted = false): Promise<Seed> {
    const seed = await taken(isOneInstantWanted);
    await copied(seed);
    return seed;
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

  it.each([
    ['a snapshot', false, /^(?!rp:)/],
    ['a restore point', true, /^rp:/],
  ])('begins as a copy of %s of the disk, footer and all', async (_of, isOneInstant, name) => {
    const { snapshotName, replicaName } = await seeded(isOneInstant);
    expect(snapshotName).toMatch(name);
    const { copiedBytes, totalBytes } = await lab.replicas.seedState(replicaName);
    expect([copiedBytes, totalBytes]).toEqual([MIB + 512, MIB + 512]);
    expect((await blobOf(replicaName).getProperties()).contentLength).toBe(MIB + 512);
  });

  it.each([false, true])(
    'can begin when the VM and its disks are gone: restore point %s',
    async (isOneInstantWanted) => {
      const seed = await taken(isOneInstantWanted);
      await lab.vms.beginDelete(GROUP, seed.vm, [`${seed.vm}-os`, `${seed.vm}-data`]);
      await powered(lab, seed.vm, 'absent');
      await copied(seed);
    },
  );

  it('is not copied again when the activity runs again, so that what came since stays', async () => {
    const { snapshotName, replicaName } = await seeded();
    await blobOf(replicaName).uploadPages(Buffer.alloc(512, 'x'), 0, 512);
    await lab.replicas.beginSeed({ resourceGroup: GROUP, snapshotName, replicaName });
    const bytes = await blobOf(replicaName).downloadToBuffer(0, 512);
    expect(bytes.equals(Buffer.alloc(512, 'x'))).toBe(true);
  });

  it('of an earlier failback makes place, with its recovery points', async () => {
    const { replicaName } = await seeded();
    await lab.replicas.seal(replicaName, 'point-1');
    const { snapshotName } = await taken(false);
    await copied({ snapshotName, replicaName });
    expect(await snapshotCount(replicaName)).toBe(0);
  });

  it('cannot begin when the snapshot is gone, and what is there stays', async () => {
    const { replicaName } = await seeded();
    const request = { resourceGroup: GROUP, snapshotName: 'gone', replicaName };
    await expect(lab.replicas.beginSeed(request)).rejects.toMatchObject(REFUSED);
    expect(await lab.replicas.seedState(replicaName)).toMatchObject({ state: 'done' });
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
    const { snapshotName, replicaName } = await seeded();
    await lab.replicas.seal(replicaName, 'point-1');
    await lab.replicas.beginSeed({ resourceGroup: GROUP, snapshotName, replicaName });
    expect(await snapshotCount(replicaName)).toBe(1);
  });
});
