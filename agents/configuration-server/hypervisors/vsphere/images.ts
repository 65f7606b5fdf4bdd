import type { AttachedDisk } from '../../../../shared/ports/hypervisor.ts';
import type { DiskRecord, SnapshotRecord, VmRecord } from './discovery/records.ts';
import { readDevices } from './discovery/vm-readers.ts';
import { nameDisks } from './disk-slots.ts';
import { type MasterTargetDisks, obstacleOf, refusal } from './master-target-disks.ts';
import { readProperties } from './vim/properties.ts';
import type { VimSession } from './vim/session.ts';
import { runTask } from './vim/tasks.ts';
import { moRefSchema, type MoRef } from './vim/values.ts';
import { understand } from './vim/understand.ts';
import type { Vm, VmAccess } from './vm-access.ts';

/** The name of the snapshot is all that is written down of an image. */
const SNAPSHOT_NAME = 'azureFailback image ';

interface ImageOptions {
  readonly session: VimSession;
  readonly vms: VmAccess;
  readonly masterTarget: MasterTargetDisks;
}

/**
 * Images of a VM that runs, as backup proxies take them: a snapshot freezes the disks, the VM writes to others on top,
 * and the master target reads the frozen ones. Nothing is copied. One at a time, because a snapshot that stays grows;
 * the disks leave the master target before it is removed, which could not put them together otherwise.
 */
export class Images {
  readonly #options: ImageOptions;

  constructor(options: ImageOptions) {
    this.#options = options;
  }

  /** At the VM of that name of a master target. All other images of the VM are closed, as those that a crash left. */
  async open(vm: Vm, imageId: string, name: string): Promise<readonly AttachedDisk[]> {
    for (const other of imageIds(vm.record)) {
      if (other !== imageId) await this.close(vm, other);
    }
    const { vms, masterTarget } = this.#options;
    const { record, ref } = await vms.again(vm);
    checkDisks(record);
    const frozen = await this.#frozenDisks(await this.#snapshot({ record, ref }, imageId));
    const wanted = nameDisks(record).map(({ diskId, disk: { key } }) => {
      const disk = frozen.find((each) => each.key === key);
      const file = disk?.file ?? null;
      if (disk === undefined || file === null) {
        throw refusal(record.name, diskId, 'the snapshot does not have it');
      }
      const { sizeBytes, datastoreId, uuid, backing } = disk;
      return { diskId, file, sizeBytes, datastoreId, uuid, backing };
    });
    return masterTarget.attach({ name, vmName: record.name, use: 'read' }, wanted);
  }

  /** True when it was open. What a crash left of an unfinished one goes too. */
  async close(vm: Vm, imageId: string): Promise<boolean> {
    const { record } = vm;
    const own = record.snapshots.find(({ name }) => name === `${SNAPSHOT_NAME}${imageId}`);
    // The disks at the master target are those of another one.
    if (own === undefined && imageIds(record).length > 0) return false;
    const wasAttached = await this.release(vm);
    if (own === undefined) return wasAttached;
    const self = { type: 'VirtualMachineSnapshot', value: own.id };
    const parameters = { removeChildren: false, consolidate: true };
    await runTask(this.#options.session, 'RemoveSnapshot_Task', { self, parameters });
    return true;
  }

  async closeAll(vm: Vm): Promise<void> {
    for (const imageId of imageIds(vm.record)) await this.close(vm, imageId);
    await this.release(vm);
  }

  /** Takes the frozen disks from the master targets; the snapshots stay. True when there were any. */
  async release({ record }: Vm): Promise<boolean> {
    return this.#options.masterTarget.detach(record.disks, 'read');
  }

  async #snapshot({ record, ref }: Vm, imageId: string): Promise<MoRef> {
    const name = `${SNAPSHOT_NAME}${imageId}`;
    const found = record.snapshots.find((each) => each.name === name);
    if (found !== undefined) return { type: 'VirtualMachineSnapshot', value: found.id };
    const { session } = this.#options;
    const parameters = {
      name,
      description: 'Made by azure-failback for one replication; it is removed when that is done.',
      memory: false,
      quiesce: false,
    };
    const result = await runTask(session, 'CreateSnapshot_Task', { self: ref, parameters });
    const where = { address: session.address, method: 'CreateSnapshot_Task' };
    return understand(moRefSchema, result, where);
  }

  /** As they were when the snapshot was made. */
  async #frozenDisks(snapshot: MoRef): Promise<readonly DiskRecord[]> {
    const path = 'config.hardware.device';
    const properties = await readProperties(this.#options.session, snapshot, [path]);
    return readDevices(properties.get(path)).disks;
  }
}

/** Snapshots that are not ours: those of ours go by themselves. */
export function foreignSnapshots({ snapshots }: VmRecord): readonly SnapshotRecord[] {
  return snapshots.filter(({ name }) => !name.startsWith(SNAPSHOT_NAME));
}

/** Without what images of ours, which go by themselves, do to its disks. */
export function withoutImages(record: VmRecord): VmRecord {
  const isFrozenByUs = record.snapshots.length > 0 && foreignSnapshots(record).length === 0;
  if (!isFrozenByUs) return record;
  return { ...record, disks: record.disks.map((disk) => ({ ...disk, hasParent: false })) };
}

function imageIds({ snapshots }: VmRecord): readonly string[] {
  const names = snapshots.map(({ name }) => name);
  return names.flatMap((name) =>
    name.startsWith(SNAPSHOT_NAME) ? [name.slice(SNAPSHOT_NAME.length)] : [],
  );
}

/** Before the snapshot: one that is of no use must not be left behind. */
function checkDisks(record: VmRecord): void {
  for (const { diskId, disk } of nameDisks(record)) {
    const isLeftOut = disk.mode?.startsWith('independent') === true;
    const obstacle = isLeftOut
      ? 'it is independent, so that a snapshot leaves it out'
      : obstacleOf({ ...disk, hasParent: false });
    if (obstacle !== null) throw refusal(record.name, diskId, obstacle);
  }
}
