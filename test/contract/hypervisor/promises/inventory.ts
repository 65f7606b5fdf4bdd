import { describe, expect, it } from '@jest/globals';
import {
  ABSENT,
  aVmShape,
  code,
  create,
  disk,
  DISK_BYTES,
  running,
  vmOf,
  type Parts,
} from '../vms.ts';

export function describeInventory({ site }: Parts): void {
  describe('its inventory', () => {
    it('is reached, and says how much is free or that it does not know', async () => {
      const { isConnected, freeBytes } = await site().hypervisor.describe();
      expect(isConnected).toBe(true);
      expect(freeBytes === null || freeBytes > 0).toBe(true);
    });

    it('finds a VM that was there before by its name and by its id', async () => {
      const name = aVmShape().name;
      const disks = [{ diskId: 'os', sizeBytes: DISK_BYTES }];
      const vmId = await site().addVm({ name, disks });
      const byName = await site().hypervisor.findVm({ name });
      expect(byName).toMatchObject({ vmId, name, powerState: 'off', disksAt: 'vm', disks });
      expect(await site().hypervisor.findVm({ vmId, name })).toEqual(byName);
    });

    it('has nothing under a name and an id that nobody has', async () => {
      expect(await site().hypervisor.findVm({ name: ABSENT })).toBeNull();
      expect(await site().hypervisor.findVm({ vmId: ABSENT, name: ABSENT })).toBeNull();
    });

    it('never answers for an id that is gone with another VM of the same name', async () => {
      const { vmId, shape } = await create(site());
      expect(await site().hypervisor.findVm({ vmId: ABSENT, name: shape.name })).toBeNull();
      const name = `${shape.name}-rehearsal`;
      const scratch = await site().hypervisor.createVm({ ...shape, name }, `r-${name}`, true);
      await site().hypervisor.deleteVm(scratch);
      expect(await site().hypervisor.findVm({ vmId: scratch, name: shape.name })).toBeNull();
      expect(await site().hypervisor.findVm({ name: shape.name })).toMatchObject({ vmId });
    });

    it('gets a new VM that is off, without disks and snapshots', async () => {
      const shape = aVmShape();
      const vmId = await site().hypervisor.createVm(shape, `key-${shape.name}`, false);
      expect(await vmOf(site(), vmId)).toEqual(
        expect.objectContaining({
          vmId,
          name: shape.name,
          powerState: 'off',
          startedAt: null,
          snapshotCount: 0,
          disks: [],
          disksAt: 'vm',
        }),
      );
      expect(await site().isIsolated(vmId)).toBe(false);
    });

    it('gets one VM for one creation key, also after a restart', async () => {
      const shape = aVmShape();
      const first = await site().hypervisor.createVm(shape, shape.name, false);
      expect(await site().hypervisor.createVm(shape, shape.name, false)).toBe(first);
      await site().restart();
      expect(await site().hypervisor.createVm(shape, shape.name, false)).toBe(first);
      const other = aVmShape();
      expect(await site().hypervisor.createVm(other, other.name, false)).not.toBe(first);
    });

    it('keeps a VM for a rehearsal away from the networks and from the real one', async () => {
      const { vmId, shape } = await create(site());
      const name = `${shape.name}-rehearsal`;
      const scratch = await site().hypervisor.createVm({ ...shape, name }, `r-${name}`, true);
      expect(scratch).not.toBe(vmId);
      expect(await site().isIsolated(scratch)).toBe(true);
      await site().hypervisor.ensureDisks(scratch, shape.disks);
      await site().hypervisor.powerOn(scratch);
      await site().hypervisor.deleteVm(scratch);
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'off', name: shape.name });
      expect(await site().hypervisor.findVm({ name })).toBeNull();
    });

    it('loses a VM that is deleted, once, and no other', async () => {
      const [doomed, other] = [await create(site()), await create(site())];
      await site().hypervisor.deleteVm(doomed.vmId);
      await site().hypervisor.deleteVm(doomed.vmId);
      expect(await site().hypervisor.findVm({ name: doomed.shape.name })).toBeNull();
      expect((await vmOf(site(), other.vmId)).disks).toHaveLength(2);
    });

    it('loses a VM that is deleted while it runs', async () => {
      const { vmId, shape } = await running(site());
      await site().hypervisor.deleteVm(vmId);
      expect(await site().hypervisor.findVm({ name: shape.name })).toBeNull();
    });

    it.each([
      ['disks', async (vmId: string) => site().hypervisor.ensureDisks(vmId, [disk('os')])],
      ['a master target', async (vmId: string) => site().hypervisor.attachToMasterTarget(vmId)],
      ['its disks back', async (vmId: string) => site().hypervisor.attachToVm(vmId)],
      ['power', async (vmId: string) => site().hypervisor.powerOn(vmId)],
      ['an image', async (vmId: string) => site().hypervisor.openImage(vmId, 'image')],
    ])('refuses to give %s to a VM that does not exist', async (_name, attempt) => {
      expect(await code(attempt(ABSENT))).toBe('FB-SITE-002');
    });
  });
}
