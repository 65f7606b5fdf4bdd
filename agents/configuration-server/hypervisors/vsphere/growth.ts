import type { DiskShape } from '../../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import { grownDisk } from './device-specs.ts';
import type { DiskRecord } from './discovery/records.ts';
import { nameDisks } from './disk-slots.ts';
import { obstacleOf } from './master-target-disks.ts';
import type { Placement } from './placement.ts';
import type { Vm, VmAccess } from './vm-access.ts';

interface Growth {
  readonly diskId: string;
  readonly disk: DiskRecord;
  readonly neededBytes: number;
}

/**
 * The disks of the VM that are smaller than they have to be. Throws FB-SITE-006 for one that is larger, and FB-SITE-012
 * for one that vSphere does not make larger.
 */
export function growingDisks({ record }: Vm, wanted: readonly DiskShape[]): readonly Growth[] {
  const { name: vmName, snapshots } = record;
  const named = nameDisks(record);
  const growing = wanted.flatMap(({ id: diskId, sizeBytes: neededBytes }): readonly Growth[] => {
    const disk = named.find((each) => each.diskId === diskId)?.disk;
    if (disk === undefined)
      throw refusal('it is not there any more', { vmName, diskId, neededBytes });
    if (disk.sizeBytes <= neededBytes) return [{ diskId, disk, neededBytes }];
    const actualBytes = disk.sizeBytes;
    throw new FailbackError('FB-SITE-006', { diskId, vmName, actualBytes, neededBytes });
  });
  const smaller = growing.filter(({ disk, neededBytes }) => disk.sizeBytes < neededBytes);
  for (const { diskId, disk, neededBytes } of smaller) {
    const reason = snapshots.length > 0 ? 'the VM has snapshots' : obstacleToGrowth(disk);
    if (reason !== null) throw refusal(reason, { vmName, diskId, neededBytes });
  }
  return smaller;
}

function obstacleToGrowth(disk: DiskRecord): string | null {
  if (disk.backing === 'rdmVirtual') return 'it is a raw device mapping';
  return obstacleOf(disk) ?? (disk.backing === 'flat' ? null : 'it is no plain file');
}

function refusal(
  reason: string,
  of: { readonly vmName: string; readonly diskId: string; readonly neededBytes: number },
): FailbackError {
  return new FailbackError('FB-SITE-012', { ...of, reason });
}

/** Also thin disks: what is added is there to be filled. Throws FB-SITE-013. */
export async function checkRoom(
  placement: Placement,
  vmName: string,
  growing: readonly Growth[],
): Promise<void> {
  const needed = new Map<string, number>();
  for (const growth of growing) {
    const [, datastore = ''] = /^\[([^\]]*)\]/.exec(growth.disk.file ?? '') ?? [];
    needed.set(datastore, (needed.get(datastore) ?? 0) + addedBytes(growth));
  }
  for (const [place, neededBytes] of needed) {
    const freeBytes = await placement.freeBytes(place);
    if (freeBytes === null || freeBytes >= neededBytes) continue;
    throw new FailbackError('FB-SITE-013', { vmName, neededBytes, place, freeBytes });
  }
}

/**
 * In one change, of a VM that is off and has its disks to itself. Throws FB-SITE-013 also where only vSphere itself can
 * tell that there is no room: it does not say how much of it for every datastore, and another VM may have been faster.
 */
export async function growDisks(
  vms: Pick<VmAccess, 'reconfigure'>,
  vm: Vm,
  growing: readonly Growth[],
): Promise<void> {
  const deviceChange = growing.map(({ disk, neededBytes }) => grownDisk(disk, neededBytes));
  try {
    await vms.reconfigure(vm, { deviceChange });
  } catch (error) {
    if (!(error instanceof FailbackError) || error.code !== 'FB-VSPHERE-007') throw error;
    const neededBytes = growing.reduce((sum, each) => sum + addedBytes(each), 0);
    const { datastore: place = 'the datastore' } = error.values;
    const values = { vmName: vm.record.name, neededBytes, place, freeBytes: 'too few' };
    throw new FailbackError('FB-SITE-013', values, { cause: error });
  }
}

function addedBytes({ disk, neededBytes }: Growth): number {
  return neededBytes - disk.sizeBytes;
}
