import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { VSPHERE_PRIVILEGES } from '../../../shared/policy/preflight-limits.ts';
import { describeWith } from '../../peers/peers.ts';
import { code, create, disk, DISK_BYTES, vmOf } from '../hypervisor/vms.ts';
import { VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const EXTEND = 'VirtualMachine.Config.DiskExtend';
const SYSTEM = ['System.Anonymous', 'System.Read', 'System.View'];
const LARGER = [disk('os'), { ...disk('lun-0'), sizeBytes: 4 * DISK_BYTES }];

const sizesOf = async (site: VsphereFixture, vmId: string): Promise<readonly number[]> =>
  (await vmOf(site, vmId)).disks.map(({ sizeBytes }) => sizeBytes);

describeWith('vcenter', 'Disks that grow in vSphere', () => {
  let site: VsphereFixture;
  beforeAll(async () => {
    site = await VsphereFixture.start();
  });
  afterEach(async () => site.peer.clearFailures());
  afterAll(async () => site.stop());

  it.each([
    ['dropBefore', 'the master target gives them away', true],
    ['dropAfter', 'the master target has given them away', true],
    ['dropBefore', 'they grow', false],
    ['dropAfter', 'they have grown', false],
  ] as const)('are as asked for when the line breaks (%s) as %s', async (action, _what, isHeld) => {
    const { vmId } = await create(site);
    const before = await site.hypervisor.attachToMasterTarget(vmId);
    if (!isHeld) await site.hypervisor.attachToVm(vmId);
    await site.peer.addFailure({ method: 'ReconfigVM_Task', action, times: 1 });
    const grow = async (): Promise<void> => site.hypervisor.growDisks(vmId, LARGER);
    expect(await code(grow())).toBe('FB-VSPHERE-003');
    await grow();
    expect(await sizesOf(site, vmId)).toEqual([DISK_BYTES, 4 * DISK_BYTES]);
    expect(await site.hypervisor.attachToMasterTarget(vmId)).toEqual(before);
  });

  it('keep their kind, their place and their UUID', async () => {
    const { vmId } = await create(site);
    const before = (await site.vms.require(vmId)).record.disks;
    await site.hypervisor.growDisks(vmId, LARGER);
    const after = (await site.vms.require(vmId)).record.disks;
    expect(after.map((each) => ({ ...each, sizeBytes: DISK_BYTES }))).toEqual(before);
  });

  it('say which privilege is missing where only that one is', async () => {
    const all = [...SYSTEM, ...Object.values(VSPHERE_PRIVILEGES).flat()];
    const privileges = all.filter((id) => id !== EXTEND);
    const poor = await VsphereFixture.start({ privileges });
    try {
      const { vmId } = await create(poor);
      const growing = poor.hypervisor.growDisks(vmId, LARGER);
      const missing = expect.objectContaining({ code: expect.stringMatching(/^FB-VSPHERE-/) });
      await expect(growing).rejects.toEqual(missing);
      await expect(growing).rejects.toThrow(EXTEND);
      expect(await sizesOf(poor, vmId)).toEqual([DISK_BYTES, DISK_BYTES]);
    } finally {
      await poor.stop();
    }
  });
});
