import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { untilTrue } from '../../../support/control-plane/until.ts';
import { code, create, deviceOf, running, vmOf, type Parts } from '../vms.ts';

export function describePower({ site }: Parts): void {
  describe('its power', () => {
    it('is refused to a VM whose disks the master target holds', async () => {
      const { vmId } = await create(site());
      await site().hypervisor.attachToMasterTarget(vmId);
      expect(await code(site().hypervisor.powerOn(vmId))).toBe('FB-SITE-003');
      expect((await vmOf(site(), vmId)).powerState).toBe('off');
    });

    it('is switched on once, however often it is asked for', async () => {
      const { vmId } = await running(site());
      const { startedAt, powerState } = await vmOf(site(), vmId);
      expect(powerState).toBe('on');
      expect(Date.parse(startedAt ?? '')).not.toBeNaN();
      await site().hypervisor.powerOn(vmId);
      expect((await vmOf(site(), vmId)).startedAt).toBe(startedAt);
      await site().hypervisor.powerOff(vmId, false);
    });

    it.each([true, false])('goes off, twice too, gracefully: %s', async (isGraceful) => {
      const { vmId } = await running(site());
      expect(await site().hypervisor.powerOff(vmId, isGraceful)).toBe(true);
      expect(await site().hypervisor.powerOff(vmId, isGraceful)).toBe(false);
      expect(await vmOf(site(), vmId)).toMatchObject({ powerState: 'off', startedAt: null });
    });

    it('stays as it is over a restart of the configuration server', async () => {
      const [on, off] = [await running(site()), await create(site())];
      const before = await vmOf(site(), on.vmId);
      await site().restart();
      await site().hypervisor.resume();
      expect(await vmOf(site(), on.vmId)).toEqual(before);
      expect((await vmOf(site(), off.vmId)).powerState).toBe('off');
      await site().hypervisor.powerOff(on.vmId, true);
      expect((await vmOf(site(), on.vmId)).powerState).toBe('off');
    });

    it('reports every fix-up of the guest, and the same again', async () => {
      const { vmId, shape } = await create(site());
      const fixups = await site().hypervisor.fixGuest(vmId, shape);
      const address = fixups.find(({ detail }) => detail.includes('192.168.10.20'));
      expect(address?.outcome).not.toBe('notNeeded');
      expect(fixups.every(({ name, detail }) => name.length > 0 && detail.length > 0)).toBe(true);
      expect(await site().hypervisor.fixGuest(vmId, shape)).toEqual(fixups);
    });
  });
}

export function describeBoots({ site }: Parts): void {
  describe('its boots', () => {
    it('shows what the guest showed when it booted', async () => {
      const evidence = `up-${randomUUID().slice(0, 8)}`;
      const { vmId, shown } = await running(site(), evidence);
      await untilTrue('the guest shows that it booted', async () => {
        const seen = await site().hypervisor.bootEvidence(vmId);
        return seen.evidence?.includes(shown) === true;
      });
      await site().hypervisor.powerOff(vmId, false);
    });

    it('shows nothing of a guest that does not boot', async () => {
      const { vmId } = await create(site());
      await site().hypervisor.powerOn(vmId);
      expect((await site().hypervisor.bootEvidence(vmId)).evidence).toBeNull();
      await site().hypervisor.powerOff(vmId, false);
    });

    it('shows nothing of an earlier boot', async () => {
      const { vmId } = await running(site());
      await untilTrue('the guest shows that it booted', async () => {
        return (await site().hypervisor.bootEvidence(vmId)).evidence !== null;
      });
      await site().hypervisor.powerOff(vmId, false);
      expect((await site().hypervisor.bootEvidence(vmId)).evidence).toBeNull();
      const device = await deviceOf(site(), vmId, 'os');
      await site().write(device, 0, Buffer.alloc(4096));
      await site().hypervisor.attachToVm(vmId);
      await site().hypervisor.powerOn(vmId);
      expect((await site().hypervisor.bootEvidence(vmId)).evidence).toBeNull();
      await site().hypervisor.powerOff(vmId, false);
    });
  });
}
