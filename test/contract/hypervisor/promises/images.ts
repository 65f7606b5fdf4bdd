import { describe, expect, it } from '@jest/globals';
import type { TargetDevice } from '../../../../shared/contracts/commands.ts';
import type { AttachedDisk } from '../../../../shared/ports/hypervisor.ts';
import { must } from '../../../support/must.ts';
import { create, deviceOf, DISK_BYTES, running, vmOf, type Parts } from '../vms.ts';

const copyOf = (image: readonly AttachedDisk[], diskId: string): TargetDevice =>
  must(
    image.find((each) => each.diskId === diskId),
    `the copy of ${diskId}`,
  ).device;

export function describeImages({ site }: Parts): void {
  describe('an image of a VM that runs', () => {
    it('holds what the disks held, and stays as it is while the guest writes', async () => {
      const { vmId, shape } = await create(site());
      const device = await deviceOf(site(), vmId, 'lun-0');
      await site().write(device, 512, Buffer.alloc(512, 'x'));
      await site().hypervisor.attachToVm(vmId);
      await site().hypervisor.powerOn(vmId);
      const image = await site().hypervisor.openImage(vmId, 'point-1');
      expect(image.map(({ diskId }) => diskId)).toEqual(shape.disks.map(({ id }) => id));
      const copy = copyOf(image, 'lun-0');
      expect((await vmOf(site(), vmId)).powerState).toBe('on');
      const before = await site().read(copy, 0, DISK_BYTES);
      await site().writeAsGuest(vmId, 'lun-0', 512, Buffer.alloc(512, 'y'));
      expect((await site().read(copy, 0, DISK_BYTES)).equals(before)).toBe(true);
      expect(before.subarray(512, 1024).equals(Buffer.alloc(512, 'x'))).toBe(true);
      expect(await site().hypervisor.closeImage(vmId, 'point-1')).toBe(true);
      await site().hypervisor.powerOff(vmId, false);
      const later = await deviceOf(site(), vmId, 'lun-0');
      expect((await site().read(later, 512, 512)).equals(Buffer.alloc(512, 'y'))).toBe(true);
    });

    it('is the same when it is opened again', async () => {
      const { vmId } = await create(site());
      await site().hypervisor.powerOn(vmId);
      const image = await site().hypervisor.openImage(vmId, 'point-1');
      await site().hypervisor.powerOff(vmId, false);
      await site().writeAsGuest(vmId, 'os', 0, Buffer.alloc(512, 'y'));
      expect(await site().hypervisor.openImage(vmId, 'point-1')).toEqual(image);
      const copy = copyOf(image, 'os');
      expect((await site().read(copy, 0, 512)).equals(Buffer.alloc(512))).toBe(true);
      await site().hypervisor.closeImage(vmId, 'point-1');
    });

    it('is there until it is closed, once, or until the next is opened', async () => {
      const { vmId } = await running(site());
      await site().hypervisor.openImage(vmId, 'point-1');
      const [kept] = await site().hypervisor.openImage(vmId, 'point-2');
      expect(await site().hypervisor.closeImage(vmId, 'point-1')).toBe(false);
      expect(await site().read(must(kept, 'an image').device, 0, 512)).toHaveLength(512);
      expect(await site().hypervisor.closeImage(vmId, 'point-2')).toBe(true);
      expect(await site().hypervisor.closeImage(vmId, 'point-2')).toBe(false);
      expect(await site().hypervisor.closeImage(vmId, 'never-opened')).toBe(false);
      await site().hypervisor.powerOff(vmId, false);
    });

    it('that was left open keeps no disk from coming to the master target', async () => {
      const { vmId, shape } = await running(site());
      await site().hypervisor.openImage(vmId, 'point-1');
      await site().hypervisor.powerOff(vmId, false);
      expect(await vmOf(site(), vmId)).toMatchObject({ snapshotCount: 0, disksAt: 'vm' });
      await site().hypervisor.checkDisks(vmId, shape.disks);
      expect(await site().hypervisor.attachToMasterTarget(vmId)).toHaveLength(2);
      await site().hypervisor.attachToVm(vmId);
    });
  });
}
