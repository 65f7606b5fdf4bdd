import { describe, expect, it } from '@jest/globals';
import type { DiskShape } from '../../../../shared/contracts/commands.ts';
import {
  aVmShape,
  code,
  create,
  deviceOf,
  disk,
  DISK_BYTES,
  type Parts,
  running,
  vmOf,
} from '../vms.ts';

const LARGER: DiskShape = { ...disk('lun-0'), sizeBytes: 3 * DISK_BYTES };
const AS_BEFORE = [
  { diskId: 'os', sizeBytes: DISK_BYTES },
  { diskId: 'lun-0', sizeBytes: DISK_BYTES },
];

export function describeGrowth({ site }: Parts): void {
  describe('its disks, when they grew in Azure,', () => {
    it('become as large, keep what they hold, and read as zeros behind it', async () => {
      const { vmId } = await create(site());
      const held = Buffer.alloc(512, 'x');
      await site().write(await deviceOf(site(), vmId, 'lun-0'), DISK_BYTES - 512, held);
      await site().hypervisor.growDisks(vmId, [disk('os'), LARGER]);
      const device = await deviceOf(site(), vmId, 'lun-0');
      const bytes = await site().read(device, 0, 3 * DISK_BYTES);
      expect(bytes.subarray(DISK_BYTES - 512, DISK_BYTES).equals(held)).toBe(true);
      expect(bytes.subarray(DISK_BYTES).equals(Buffer.alloc(2 * DISK_BYTES))).toBe(true);
      await site().write(device, 3 * DISK_BYTES - 512, held);
      const { disks } = await vmOf(site(), vmId);
      expect(disks).toEqual([AS_BEFORE[0], { diskId: 'lun-0', sizeBytes: 3 * DISK_BYTES }]);
    });

    it('are as large as is said however often that is asked for', async () => {
      const { vmId } = await create(site());
      const devices = await site().hypervisor.attachToMasterTarget(vmId);
      for (let time = 1; time <= 2; time += 1) {
        await site().hypervisor.growDisks(vmId, [disk('os'), LARGER]);
        expect(await site().hypervisor.attachToMasterTarget(vmId)).toEqual(devices);
      }
      const shape = aVmShape({ disks: [disk('os'), LARGER] });
      expect(await code(site().hypervisor.checkDisks(vmId, shape.disks))).toBe('done');
    });

    it.each([
      ['FB-SITE-006', 'one is larger than in Azure', DISK_BYTES / 2, async () => undefined],
      [
        'FB-SITE-012',
        'the VM has snapshots',
        3 * DISK_BYTES,
        async (vmId: string) => site().addSnapshot(vmId),
      ],
      ['FB-SITE-013', 'there is no room', 2 ** 50, async () => undefined],
    ])('stay as they are, and where they are, with %s when %s', async (...row) => {
      const [number, , sizeBytes, hinder] = row;
      const { vmId } = await create(site());
      await hinder(vmId);
      const isHeld = number !== 'FB-SITE-012';
      if (isHeld) await site().hypervisor.attachToMasterTarget(vmId);
      const grown = [disk('os'), { ...LARGER, sizeBytes }];
      expect(await code(site().hypervisor.growDisks(vmId, grown))).toBe(number);
      const { disks, disksAt } = await vmOf(site(), vmId);
      expect(disks).toEqual(AS_BEFORE);
      expect(disksAt).toBe(isHeld ? 'masterTarget' : 'vm');
    });

    it('do not grow under a VM that runs', async () => {
      const { vmId } = await running(site());
      expect(await code(site().hypervisor.growDisks(vmId, [disk('os'), LARGER]))).toBe(
        'FB-SITE-004',
      );
      expect((await vmOf(site(), vmId)).disks).toEqual(AS_BEFORE);
      await site().hypervisor.powerOff(vmId, false);
    });
  });
}
