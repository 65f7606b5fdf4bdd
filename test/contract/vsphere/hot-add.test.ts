import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { existingDisk } from '../../../agents/configuration-server/hypervisors/vsphere/device-specs.ts';
import { describeWith } from '../../peers/peers.ts';
import { must } from '../../support/must.ts';
import { aVmShape, code, DISK_BYTES } from '../hypervisor/vms.ts';
import { MASTER_TARGET, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

/** One more than a controller with a disk of its own has room for. */
const DISK_COUNT = 15;

describeWith('vcenter', 'A master target whose controllers are full', () => {
  let site: VsphereFixture;
  let vmId: string;
  beforeAll(async () => {
    site = await VsphereFixture.start();
    const disks = Array.from({ length: DISK_COUNT }, (_none, index) => ({
      diskId: index === 0 ? 'os' : `lun-${index - 1}`,
      sizeBytes: DISK_BYTES,
    }));
    vmId = await site.addVm({ name: aVmShape().name, disks });
  });
  afterAll(async () => site.stop());

  const masterTarget = async (): Promise<{
    readonly powerState: string;
    readonly disks: number;
    readonly controllers: number;
  }> => {
    const { powerState, disks, controllers } = await site.recordNamed(MASTER_TARGET);
    const paravirtual = controllers.filter(({ type }) => type === 'ParaVirtualSCSIController');
    return { powerState, disks: disks.length, controllers: paravirtual.length };
  };

  /** A VM that runs and has the last of the disks, as backup software may. */
  const holdLastDisk = async (): Promise<string> => {
    const shape = aVmShape();
    const holderId = await site.hypervisor.createVm(shape, shape.name, false);
    await site.hypervisor.ensureDisks(holderId, shape.disks);
    const holder = await site.vms.require(holderId);
    const last = must((await site.vms.require(vmId)).record.disks.at(-1), 'its last disk');
    const controllerKey = must(holder.record.disks[0]?.controllerKey, 'a controller');
    const place = {
      file: must(last.file, 'its file'),
      sizeBytes: DISK_BYTES,
      slot: { controllerKey, busNumber: 0, unitNumber: 9 },
      temporaryKey: -1,
    };
    const disk = existingDisk(place, { use: 'write', backing: 'flat' });
    await site.vms.reconfigure(holder, { deviceChange: [disk] });
    await site.hypervisor.powerOn(holderId);
    return holderId;
  };

  it('goes on running when one of the disks is in use, and has them all afterwards', async () => {
    const before = await masterTarget();
    const holderId = await holdLastDisk();
    expect(await code(site.hypervisor.attachToMasterTarget(vmId))).toBe('FB-VSPHERE-008');
    expect(await masterTarget()).toEqual({ ...before, controllers: before.controllers + 1 });
    await site.hypervisor.powerOff(holderId, false);
    expect(await site.hypervisor.attachToMasterTarget(vmId)).toHaveLength(DISK_COUNT);
    expect(await masterTarget()).toEqual({
      powerState: 'on',
      disks: before.disks + DISK_COUNT,
      // Those of the first attempt are used.
      controllers: before.controllers + 1,
    });
    await site.hypervisor.attachToVm(vmId);
    expect((await masterTarget()).disks).toBe(before.disks);
  });
});
