import { describe, expect, it } from '@jest/globals';
import type { VmShape } from '../../../../shared/contracts/commands.ts';
import { ABSENT, code, create, deviceOf, running, vmOf, type Parts } from '../vms.ts';

export function describeRegistration({ site }: Parts): void {
  describe('a VM that is taken out of its inventory', () => {
    const taken = async (): Promise<{ vmId: string; shape: VmShape }> => {
      const created = await create(site());
      const device = await deviceOf(site(), created.vmId, 'os');
      await site().write(device, 4096, Buffer.alloc(512, 'x'));
      await site().hypervisor.unregisterVm(created.vmId);
      return created;
    };

    it('is not there any more, once, and is known with its disks, also after a restart', async () => {
      const { vmId, shape } = await taken();
      await site().hypervisor.unregisterVm(vmId);
      await site().restart();
      expect(await site().hypervisor.findVm({ vmId, name: shape.name })).toBeNull();
      expect(await site().hypervisor.findVm({ name: shape.name })).toBeNull();
      const left = await site().hypervisor.findUnregistered({ vmId, name: ABSENT });
      expect(left).toMatchObject({ vmId, name: shape.name, powerState: 'off', disksAt: 'vm' });
      expect(left?.disks.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
      expect(await site().hypervisor.findUnregistered({ name: shape.name })).toEqual(left);
    });

    it('is put back, once, as the VM it was with what its disks hold', async () => {
      const { vmId, shape } = await taken();
      await site().hypervisor.registerVm(vmId);
      await site().hypervisor.registerVm(vmId);
      expect(await vmOf(site(), vmId)).toMatchObject({
        name: shape.name,
        powerState: 'off',
        disksAt: 'vm',
        disks: [{ diskId: 'os' }, { diskId: 'lun-0' }],
      });
      expect(await site().hypervisor.findUnregistered({ vmId, name: shape.name })).toBeNull();
      expect(await site().hypervisor.findUnregistered({ name: shape.name })).toBeNull();
      expect(await site().hypervisor.ensureDisks(vmId, shape.disks)).toEqual([]);
      const device = await deviceOf(site(), vmId, 'os');
      expect((await site().read(device, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    });

    it('makes room for another of its name, which touches none of its files', async () => {
      const { vmId, shape } = await taken();
      const other = await site().hypervisor.createVm(shape, `other-${shape.name}`, false);
      expect(await site().hypervisor.ensureDisks(other, shape.disks)).toEqual(['os', 'lun-0']);
      const device = await deviceOf(site(), other, 'os');
      expect((await site().read(device, 4096, 512)).equals(Buffer.alloc(512))).toBe(true);
      await site().hypervisor.deleteVm(other);
      await site().hypervisor.registerVm(vmId);
      const own = await deviceOf(site(), vmId, 'os');
      expect((await site().read(own, 4096, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    });

    it('is not guessed among several of one name', async () => {
      const [one, two] = [await taken(), await create(site())];
      expect(await site().hypervisor.findUnregistered({ name: two.shape.name })).toBeNull();
      const twin = await site().hypervisor.createVm(one.shape, `twin-${one.shape.name}`, false);
      await site().hypervisor.unregisterVm(twin);
      expect(await site().hypervisor.findUnregistered({ name: one.shape.name })).toBeNull();
      const name = one.shape.name;
      expect(await site().hypervisor.findUnregistered({ vmId: twin, name })).toMatchObject({
        name,
      });
    });

    it('has to be off', async () => {
      const { vmId } = await running(site());
      expect(await code(site().hypervisor.unregisterVm(vmId))).toBe('FB-SITE-010');
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'on' });
      await site().hypervisor.powerOff(vmId, false);
    });

    it('is nothing that was never there', async () => {
      await site().hypervisor.unregisterVm(ABSENT);
      const { hypervisor } = site();
      expect(await hypervisor.findUnregistered({ vmId: ABSENT, name: ABSENT })).toBeNull();
      expect(await hypervisor.findUnregistered({ name: ABSENT })).toBeNull();
      expect(await code(hypervisor.registerVm(ABSENT))).toBe('FB-SITE-008');
    });
  });
}
