import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { DATASTORE, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const GIB = 1024 ** 3;

describeWith('vcenter', 'Disks of a rehearsal that begin as copies', () => {
  let site: VsphereFixture;
  beforeAll(async () => {
    site = await VsphereFixture.start();
  });
  afterEach(async () => site.peer.clearFailures());
  afterAll(async () => site.stop());

  const pair = async (at = site): Promise<{ scratch: string; copy: () => Promise<unknown> }> => {
    const shape = aVmShape();
    const seed = await at.hypervisor.createVm(shape, shape.name, false);
    await at.hypervisor.ensureDisks(seed, shape.disks);
    const name = `${shape.name}-rehearsal`;
    const scratch = await at.hypervisor.createVm({ ...shape, name }, name, true);
    const copy = async (): Promise<unknown> =>
      at.hypervisor.ensureDisks(scratch, shape.disks, seed);
    return { scratch, copy };
  };
  const isThin = async (vmId: string, at = site): Promise<readonly (boolean | null)[]> =>
    (await at.vms.require(vmId)).record.disks.map((disk) => disk.isThin);

  it('take the place of copies that a crash left, which no server copies over', async () => {
    const { copy } = await pair();
    await site.peer.addFailure({ method: 'ReconfigVM_Task', action: 'dropBefore', times: 1 });
    await expect(copy()).rejects.toMatchObject({ code: 'FB-VSPHERE-003' });
    expect(await copy()).toEqual([]);
  });

  it('are none where there is no room for their whole size', async () => {
    const { scratch, copy } = await pair();
    const before = (await site.peer.calls())['CopyVirtualDisk_Task'] ?? 0;
    await site.peer.setDatastoreSize(DATASTORE, 10 * GIB, 1024 * 1024);
    expect(await copy()).toEqual(['os', 'lun-0']);
    expect((await site.peer.calls())['CopyVirtualDisk_Task'] ?? 0).toBe(before);
    await site.peer.setDatastoreSize(DATASTORE, 10 * GIB, 10 * GIB);
    expect(await isThin(scratch)).toEqual([true, true]);
  });

  it('stay thin on a host by itself, which is told so', async () => {
    const config = { siteKind: 'esxi' } as const;
    const host = await VsphereFixture.start({ peer: { mode: 'esxi' }, config });
    try {
      const { scratch, copy } = await pair(host);
      expect(await copy()).toEqual([]);
      expect(await isThin(scratch, host)).toEqual([true, true]);
    } finally {
      await host.stop();
    }
  });

  it('are found although the view of the inventory went with its session', async () => {
    const lost = { kind: 'ManagedObjectNotFound', action: 'fault', times: 1 } as const;
    await site.peer.addFailure({ method: 'RetrievePropertiesEx', ...lost });
    expect(await site.vms.findNamed('master-target')).not.toBeNull();
  });
});
