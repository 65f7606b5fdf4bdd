import { expect, it } from '@jest/globals';
import type { TargetDevice } from '../../../../shared/contracts/commands.ts';
import { must } from '../../../support/must.ts';
import { aVmShape, deviceOf, vmOf, type Parts } from '../vms.ts';

/** Each step of a failback in order; a driver must be able to die after any of them. */
export function describeInterruptions({ site }: Parts): void {
  it('completes a failback that dies after every step and repeats each', async () => {
    const shape = aVmShape();
    let vmId = '';
    let device: TargetDevice | null = null;
    const steps: readonly (() => Promise<unknown>)[] = [
      async () => (vmId = await site().hypervisor.createVm(shape, shape.name, false)),
      async () => site().hypervisor.powerOff(vmId, true),
      async () => site().hypervisor.ensureDisks(vmId, shape.disks),
      async () => (device = await deviceOf(site(), vmId, 'lun-0')),
      async () => site().write(must(device, 'lun-0'), 0, Buffer.alloc(512, 'x')),
      async () => site().hypervisor.attachToVm(vmId),
      async () => site().hypervisor.fixGuest(vmId, shape),
      async () => site().hypervisor.powerOn(vmId),
      async () => site().hypervisor.openImage(vmId, 'point-1'),
      async () => site().hypervisor.closeImage(vmId, 'point-1'),
      async () => site().hypervisor.powerOff(vmId, false),
      async () => (device = await deviceOf(site(), vmId, 'lun-0')),
    ];
    for (const step of steps) {
      await step();
      await site().restart();
      await site().hypervisor.resume();
      await step();
    }
    expect((await vmOf(site(), vmId)).disks).toHaveLength(2);
    expect((await site().read(must(device, 'lun-0'), 0, 512)).equals(Buffer.alloc(512, 'x'))).toBe(
      true,
    );
    await site().hypervisor.deleteVm(vmId);
    await site().restart();
    await site().hypervisor.deleteVm(vmId);
    expect(await site().hypervisor.findVm({ name: shape.name })).toBeNull();
  });
}
