import { open, stat, statfs, truncate } from 'node:fs/promises';
import type { DiskShape } from '../../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type { VmFile, VmFolders } from './vm-folder.ts';

export async function createSparse(file: string, sizeBytes: number): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.truncate(sizeBytes);
  } finally {
    await handle.close();
  }
}

interface Growth {
  readonly diskId: string;
  readonly actualBytes: number;
  readonly neededBytes: number;
}

/**
 * Makes the files of a VM's disks as large as is said, and gives the disks as they are then. The files count, not what
 * is written down of them, so that it can be cut off and done again. Throws as `growDisks` of the port.
 */
export async function growFiles(
  folders: VmFolders,
  vm: VmFile,
  wanted: readonly DiskShape[],
): Promise<VmFile['disks']> {
  const all = await Promise.all(
    vm.disks.map(async ({ diskId, sizeBytes }): Promise<Growth> => {
      const { size: actualBytes } = await stat(folders.disk(vm.vmId, diskId));
      const neededBytes = wanted.find(({ id }) => id === diskId)?.sizeBytes ?? sizeBytes;
      return { diskId, actualBytes, neededBytes };
    }),
  );
  const growing = all.filter(({ actualBytes, neededBytes }) => actualBytes !== neededBytes);
  await check(folders, vm, growing);
  for (const { diskId, neededBytes } of growing) {
    await truncate(folders.disk(vm.vmId, diskId), neededBytes);
  }
  return all.map(({ diskId, neededBytes: sizeBytes }) => ({ diskId, sizeBytes }));
}

async function check(folders: VmFolders, vm: VmFile, growing: readonly Growth[]): Promise<void> {
  const { name: vmName, vmId, powerState, snapshotCount } = vm;
  const [first] = growing;
  if (powerState === 'on') throw new FailbackError('FB-SITE-004', { vmName });
  if (first === undefined) return;
  const larger = growing.find(({ actualBytes, neededBytes }) => actualBytes > neededBytes);
  if (larger !== undefined) throw new FailbackError('FB-SITE-006', { vmName, ...larger });
  if (snapshotCount > 0) {
    const { diskId, neededBytes } = first;
    const reason = 'the VM has snapshots';
    throw new FailbackError('FB-SITE-012', { vmName, diskId, neededBytes, reason });
  }
  const place = folders.path(vmId, '');
  const { bavail, bsize } = await statfs(place);
  const freeBytes = bavail * bsize;
  const neededBytes = growing.reduce((sum, each) => sum + each.neededBytes - each.actualBytes, 0);
  if (freeBytes >= neededBytes) return;
  throw new FailbackError('FB-SITE-013', { vmName, neededBytes, place, freeBytes });
}
