import { describe, expect, it } from '@jest/globals';
import {
  ABSENT,
  aVmShape,
  code,
  create,
  deviceOf,
  disk,
  DISK_BYTES,
  running,
  vmOf,
  type Parts,
} from '../vms.ts';

export function describeDisks({ site }: Parts): void {
  describe('its disks', () => {
    it('are made once, of the size that was asked for, and read as zeros', async () => {
      const shape = aVmShape();
      const vmId = await site().hypervisor.createVm(shape, shape.name, false);
      expect(await site().hypervisor.ensureDisks(vmId, [disk('os')])).toEqual(['os']);
      expect(await site().hypervisor.ensureDisks(vmId, shape.disks)).toEqual(['lun-0']);
      expect(await site().hypervisor.ensureDisks(vmId, shape.disks)).toEqual([]);
      expect((await vmOf(site(), vmId)).disks).toEqual([
        { diskId: 'os', sizeBytes: DISK_BYTES },
        { diskId: 'lun-0', sizeBytes: DISK_BYTES },
      ]);
      const device = await deviceOf(site(), vmId, 'lun-0');
      const bytes = await site().read(device, 0, DISK_BYTES);
      expect(bytes.equals(Buffer.alloc(DISK_BYTES))).toBe(true);
    });

    it('keep what was written when they are asked for again', async () => {
      const { vmId, shape } = await create(site());
      const device = await deviceOf(site(), vmId, 'os');
      await site().write(device, 4096, Buffer.alloc(512, 'x'));
      expect(await site().hypervisor.ensureDisks(vmId, shape.disks)).toEqual([]);
      expect((await site().read(device, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    });

    it('stay with the VM when it is asked for others only', async () => {
      const { vmId } = await create(site());
      expect(await site().hypervisor.ensureDisks(vmId, [disk('lun-1')])).toEqual(['lun-1']);
      const ids = (await vmOf(site(), vmId)).disks.map(({ diskId }) => diskId);
      expect(ids.toSorted()).toEqual(['lun-0', 'lun-1', 'os']);
    });

    it('begin as copies of those of another VM that is off, which keeps its own', async () => {
      const seed = await create(site());
      const original = await deviceOf(site(), seed.vmId, 'lun-0');
      await site().write(original, 4096, Buffer.alloc(512, 'x'));
      await site().hypervisor.attachToVm(seed.vmId);
      const shape = aVmShape({ disks: [...seed.shape.disks, disk('lun-1')] });
      const vmId = await site().hypervisor.createVm(shape, shape.name, true);
      const copy = async (): Promise<readonly string[]> =>
        site().hypervisor.ensureDisks(vmId, shape.disks, seed.vmId);
      expect(await copy()).toEqual(['lun-1']);
      expect(await copy()).toEqual([]);
      const device = await deviceOf(site(), vmId, 'lun-0');
      expect((await site().read(device, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
      await site().write(device, 4096, Buffer.alloc(512, 'y'));
      expect((await site().read(original, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
      expect((await vmOf(site(), seed.vmId)).disks).toHaveLength(2);
    });

    it.each([
      ['runs', async () => (await running(site())).vmId],
      [
        'has disks of other sizes',
        async () => {
          const large = { ...disk('os'), sizeBytes: 2 * DISK_BYTES };
          return (await create(site(), aVmShape({ disks: [large] }))).vmId;
        },
      ],
      ['is gone', async () => ABSENT],
    ])('read as zeros when the VM whose copies they would be %s', async (_name, seedOf) => {
      const seedVmId = await seedOf();
      const shape = aVmShape();
      const vmId = await site().hypervisor.createVm(shape, shape.name, true);
      const fresh = await site().hypervisor.ensureDisks(vmId, shape.disks, seedVmId);
      expect(fresh).toEqual(['os', 'lun-0']);
      const bytes = await site().read(await deviceOf(site(), vmId, 'os'), 0, DISK_BYTES);
      expect(bytes.equals(Buffer.alloc(DISK_BYTES))).toBe(true);
    });

    it('of another size are left alone and named', async () => {
      const { vmId } = await create(site());
      const larger = { ...disk('os'), sizeBytes: 2 * DISK_BYTES };
      const attempt = site().hypervisor.ensureDisks(vmId, [larger]);
      await expect(attempt).rejects.toMatchObject({
        code: 'FB-SITE-006',
        values: { diskId: 'os', actualBytes: DISK_BYTES, neededBytes: 2 * DISK_BYTES },
      });
      expect((await vmOf(site(), vmId)).disks[0]).toEqual({ diskId: 'os', sizeBytes: DISK_BYTES });
    });

    it('are told to be unfit while the VM runs, which goes on running', async () => {
      const { vmId, shape } = await running(site());
      const larger = { ...disk('os'), sizeBytes: 2 * DISK_BYTES };
      expect(await code(site().hypervisor.checkDisks(vmId, [larger]))).toBe('FB-SITE-006');
      expect(await code(site().hypervisor.checkDisks(vmId, shape.disks))).toBe('done');
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'on' });
      await site().hypervisor.powerOff(vmId, false);
    });

    it('are either with the VM or with the master target', async () => {
      const { vmId } = await create(site());
      const first = await site().hypervisor.attachToMasterTarget(vmId);
      expect(first.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
      expect(await site().hypervisor.attachToMasterTarget(vmId)).toEqual(first);
      expect((await vmOf(site(), vmId)).disksAt).toBe('masterTarget');
      await site().hypervisor.attachToVm(vmId);
      await site().hypervisor.attachToVm(vmId);
      expect((await vmOf(site(), vmId)).disksAt).toBe('vm');
      expect(await site().hypervisor.attachToMasterTarget(vmId)).toEqual(first);
    });

    it('do not leave a VM that runs', async () => {
      const { vmId } = await running(site());
      expect(await code(site().hypervisor.attachToMasterTarget(vmId))).toBe('FB-SITE-004');
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'on', disksAt: 'vm' });
      await site().hypervisor.powerOff(vmId, false);
    });

    it('of one VM are not those of another', async () => {
      const [one, two] = [await create(site()), await create(site())];
      const device = await deviceOf(site(), one.vmId, 'os');
      await site().write(device, 0, Buffer.alloc(512, 'x'));
      const other = await deviceOf(site(), two.vmId, 'os');
      expect((await site().read(other, 0, 512)).equals(Buffer.alloc(512))).toBe(true);
    });
  });
}

export function describeSnapshots({ site }: Parts): void {
  it('has no snapshots any more once they were removed, however often that is asked for', async () => {
    const { vmId } = await create(site());
    await site().addSnapshot(vmId);
    expect((await vmOf(site(), vmId)).snapshotCount).toBe(1);
    expect(await site().hypervisor.removeSnapshots(vmId)).toBe(1);
    expect(await site().hypervisor.removeSnapshots(vmId)).toBe(0);
    expect((await vmOf(site(), vmId)).snapshotCount).toBe(0);
    expect(await site().hypervisor.attachToMasterTarget(vmId)).toHaveLength(2);
  });
}
