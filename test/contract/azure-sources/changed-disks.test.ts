import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RestorePointRecord, VirtualMachineRecord } from '../../../local/arm/state.ts';
import { must } from '../../support/must.ts';
import { GROUP, MIB, SourceLab } from './source-lab.ts';

let lab: SourceLab;

beforeAll(async () => {
  lab = await SourceLab.start();
});
afterAll(async () => lab.stop());

/** The VM as Resource Manager has it; tests change what is attached. */
function vmRecord(name: string): VirtualMachineRecord {
  const found = lab.azure.arm.state.virtualMachines.find((vm) => vm.name === name);
  return must(found, `the VM ${name}`);
}

/** Somebody puts another disk in its place, as a restore from a backup does; the old one stays, detached. */
async function replaceDisk(vmName: string, diskName: string): Promise<void> {
  const restored = `${diskName}-restored`;
  await lab.seed(`${vmName}-donor`, {
    disks: [{ name: restored, sizeBytes: 1024 * 1024, lun: null, writableFrom: 0 }],
  });
  attach(vmName, (disks) =>
    disks.map((disk) => (disk.name === diskName ? { ...disk, name: restored } : disk)),
  );
}

function attach(vmName: string, change: (disks: Disks) => Disks): void {
  const vm = vmRecord(vmName);
  Object.assign(vm, { disks: change(vm.disks) });
}

type Disks = VirtualMachineRecord['disks'];

const namesOfAll = (): readonly string[] => lab.azure.arm.state.snapshots.map(({ name }) => name);

describe('disks that were recorded', () => {
  it('are not copied in place of the disks that the VM has now', async () => {
    await lab.seed('swapped');
    await lab.snapshots.take(lab.request('swapped', 'p1'));
    await replaceDisk('swapped', 'swapped-data');
    const before = namesOfAll();
    await expect(lab.snapshots.take(lab.request('swapped', 'p2'))).rejects.toMatchObject({
      code: 'FB-AZ-009',
      values: {
        vmName: 'swapped',
        difference:
          'it has swapped-data-restored, which is not carried, and not swapped-data any more',
      },
    });
    expect(namesOfAll()).toEqual(before);
    expect(await lab.vms.attachedDisks(GROUP, 'swapped')).toEqual([
      { kind: 'managedDisk', diskName: 'swapped-os' },
      { kind: 'managedDisk', diskName: 'swapped-data-restored' },
    ]);
    expect(await lab.vms.attachedDisks(GROUP, 'nobody')).toBeNull();
  }, 60_000);

  it('are not copied once they are detached', async () => {
    await lab.seed('detached');
    attach('detached', (disks) => disks.filter(({ lun }) => lun === null));
    await expect(lab.snapshots.take(lab.request('detached', 'p1'))).rejects.toMatchObject({
      code: 'FB-AZ-010',
      values: { diskName: 'detached-data' },
    });
  }, 60_000);

  it('are not all of a VM that got one more', async () => {
    await lab.seed('more');
    const request = lab.request('more', 'p1');
    const [os] = request.disks;
    const first = { ...request, disks: [must(os, 'the system disk')] };
    await expect(lab.snapshots.take(first)).rejects.toMatchObject({ code: 'FB-AZ-009' });
  }, 60_000);

  it('are followed to another place, and to another size', async () => {
    await lab.seed('moved');
    attach('moved', (disks) =>
      disks.map((disk) => (disk.lun === null ? disk : { ...disk, lun: 7 })),
    );
    lab.diskRecord('moved-data').sizeBytes *= 2;
    const { snapshots } = await lab.snapshots.take(lab.request('moved', 'p1'));
    expect(snapshots['lun-0']).toContain('moved-data');
  }, 60_000);
});

describe('a restore point', () => {
  function pointOf(vmName: string): RestorePointRecord {
    const found = lab.azure.arm.state.restorePoints.find((point) => point.vmName === vmName);
    return must(found, 'the restore point');
  }

  it('gives each disk by what it is, not by its place', async () => {
    await lab.seed('places');
    const request = lab.request('places', 'p1');
    const { snapshots } = await lab.snapshots.take(request);
    // Between two looks at it somebody attaches the data disk elsewhere; the request names places of before.
    const swapped = {
      ...request,
      disks: request.disks.map((disk) => ({ ...disk, id: disk.id === 'os' ? 'os' : 'lun-5' })),
    };
    const again = await lab.snapshots.take(swapped);
    expect(again.snapshots).toEqual({ os: snapshots['os'], 'lun-5': snapshots['lun-0'] });
    expect(again.sizes).toEqual({ os: 4 * MIB, 'lun-5': 2 * MIB });
  }, 60_000);

  it('of other disks is none of this machine', async () => {
    await lab.seed('other');
    const request = lab.request('other', 'p1');
    await lab.snapshots.take(request);
    const point = pointOf('other');
    const { diskRestorePoints: all } = point;
    Object.assign(point, {
      diskRestorePoints: all.map((each) =>
        each.lun === null ? each : { ...each, diskName: 'other-data-restored' },
      ),
    });
    await expect(lab.snapshots.take(request)).rejects.toMatchObject({ code: 'FB-AZ-009' });
  }, 60_000);
});
