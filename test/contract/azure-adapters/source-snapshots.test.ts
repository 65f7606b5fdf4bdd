import { describe, expect, it } from '@jest/globals';
import type { SnapshotRequest, SourceAccess } from '../../../shared/ports/azure.ts';
import { unique } from '../../support/control-plane/azure-storage.ts';
import { must } from '../../support/must.ts';
import { aVm, failOnce, GROUP, open, PASSING, REFUSED, useAdapters } from './adapter-fixture.ts';

const lab = useAdapters();

describe('snapshots of the disks of a VM', () => {
  const request = (vm: string, pointId: string): SnapshotRequest => ({
    resourceGroup: GROUP,
    itemId: `item-${vm}`,
    vmName: vm,
    pointId,
    disks: [
      { id: 'os', diskName: `${vm}-os`, kind: 'managedDisk' },
      { id: 'lun-0', diskName: `${vm}-data`, kind: 'managedDisk' },
    ],
    consistency: 'crashConsistent',
    isOneInstantWanted: false,
  });
  const take = async (vm: string, pointId: string): Promise<string> =>
    (await lab.snapshots.take(request(vm, pointId))).snapshots['lun-0'] ?? '';
  const read = async (snapshot: string): Promise<SourceAccess | null> =>
    lab.snapshots.grantRead(GROUP, { snapshot, base: null });
  const granted = async (snapshot: string): Promise<SourceAccess> =>
    must(await read(snapshot), `access to ${snapshot}`);

  it('are taken once, also when Azure was busy at first', async () => {
    const vm = await aVm(lab);
    failOnce(lab, 'snapshots.createOrUpdate', [429, 'TooManyRequests']);
    const point = unique('p');
    await expect(take(vm, point)).rejects.toMatchObject(PASSING);
    const first = await lab.snapshots.take(request(vm, point));
    expect(await lab.snapshots.take(request(vm, point))).toEqual(first);
    const { deleted } = await lab.snapshots.prune({ ...request(vm, point), keep: [] });
    expect(deleted).toBe(2);
  });

  it('cannot be taken of a VM that is not there', async () => {
    await expect(take('nobody', 'p')).rejects.toMatchObject({
      ...REFUSED,
      values: { code: 'ResourceNotFound' },
    });
  });

  it('are those of their item only', async () => {
    const [one, two] = [await aVm(lab), await aVm(lab)];
    const [first, second] = [await take(one, unique('p')), await take(two, unique('p'))];
    expect(await lab.snapshots.prune({ ...request(two, 'p'), keep: [] })).toEqual({ deleted: 2 });
    expect(await read(second)).toBeNull();
    expect(await read(first)).not.toBeNull();
  });

  it('are opened for reading, for a while, with a URL that nobody prints by accident', async () => {
    const name = await take(await aVm(lab), unique('p'));
    const [grant, again] = [await granted(name), await granted(name)];
    expect(JSON.stringify([grant, again])).not.toContain('sig=');
    expect(grant.source.expiresAt.getTime()).toBeGreaterThan(Date.now() + 30 * 60_000);
    for (const { source } of [grant, again]) {
      expect(await open(source.url).downloadToBuffer(0, 512)).toHaveLength(512);
    }
    const write = open(grant.source.url).uploadPages(Buffer.alloc(512), 0, 512);
    await expect(write).rejects.toMatchObject({ statusCode: 403 });
  });

  it('are removed while they are open, and then cannot be read any more', async () => {
    const vm = await aVm(lab);
    const name = await take(vm, unique('p'));
    const grant = await granted(name);
    const prune = { ...request(vm, 'p'), keep: [] };
    failOnce(lab, 'snapshots.delete', [503, 'ServiceUnavailable']);
    await expect(lab.snapshots.prune(prune)).rejects.toMatchObject(PASSING);
    expect(await lab.snapshots.prune(prune)).toEqual({ deleted: 2 });
    expect(await lab.snapshots.prune(prune)).toEqual({ deleted: 0 });
    // A client without retries: the default one waits for seconds.
    const attempt: unknown = await open(grant.source.url)
      .getProperties()
      .catch((error: unknown) => error);
    expect([403, 404]).toContain((attempt as { statusCode?: number }).statusCode);
    expect(await read(name)).toBeNull();
  });
});
