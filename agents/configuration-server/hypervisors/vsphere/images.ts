import { z } from 'zod';
import type { AttachedDisk } from '../../../../shared/ports/hypervisor.ts';
import { setting } from './device-specs.ts';
import type { DiskRecord } from './discovery/records.ts';
import { readDevices } from './discovery/vm-readers.ts';
import { nameDisks } from './disk-slots.ts';
import { type MasterTargetDisks, obstacleOf, refusal } from './master-target-disks.ts';
import type { Placement } from './placement.ts';
import { isFault } from './vim/faults.ts';
import { readProperties } from './vim/properties.ts';
import type { VimSession } from './vim/session.ts';
import { runTask } from './vim/tasks.ts';
import { moRefSchema, type MoRef } from './vim/values.ts';
import { understand } from './vim/understand.ts';
import type { Vm, VmAccess } from './vm-access.ts';

/** `azureFailback.image.<image id>` = its copies, once all are whole. */
const IMAGE_SETTING = 'azureFailback.image.';
const SNAPSHOT_NAME = 'azureFailback image ';

const copiesSchema = z.array(
  z.object({ diskId: z.string(), file: z.string(), sizeBytes: z.number() }),
);
type Copy = z.output<typeof copiesSchema>[number];

interface ImageOptions {
  readonly session: VimSession;
  readonly vms: VmAccess;
  readonly placement: Placement;
  readonly masterTarget: MasterTargetDisks;
}

/**
 * Images of a VM that runs: a snapshot holds an instant while its disks are copied, and goes away again, because a
 * snapshot that stays grows. The copies have UUIDs of their own, so that the master target can tell them from the disks.
 */
export class Images {
  readonly #options: ImageOptions;

  constructor(options: ImageOptions) {
    this.#options = options;
  }

  /** At the VM of that name of a master target. */
  async open(vm: Vm, imageId: string, name: string): Promise<readonly AttachedDisk[]> {
    const copies = copiesIn(vm, imageId) ?? (await this.#copy(vm, imageId));
    await this.#removeSnapshot(vm, imageId);
    const { masterTarget } = this.#options;
    const disks = copies.map((copy) => ({ ...copy, datastoreId: null }));
    return masterTarget.attach(name, vm.record.name, disks);
  }

  /** True when it was open. What a crash left of an unfinished one goes too. */
  async close(vm: Vm, imageId: string): Promise<boolean> {
    const copies = copiesIn(vm, imageId);
    const files = (copies ?? this.#targets(vm, imageId)).map(({ file }) => file);
    await this.#options.masterTarget.detach(files);
    await this.#removeSnapshot(vm, imageId);
    const datacenter = await this.#options.placement.datacenter();
    for (const name of files) await this.#delete(name, datacenter);
    if (copies === null) return false;
    await this.#options.vms.reconfigure(vm, { extraConfig: [setting(key(imageId), '')] });
    return true;
  }

  async closeAll(vm: Vm): Promise<void> {
    for (const name of Object.keys(vm.record.settings)) {
      if (name.startsWith(IMAGE_SETTING)) await this.close(vm, name.slice(IMAGE_SETTING.length));
    }
  }

  async #copy(vm: Vm, imageId: string): Promise<readonly Copy[]> {
    const { session, vms, placement } = this.#options;
    checkDisks(vm);
    const snapshot = await this.#snapshot(vm, imageId);
    const frozen = await this.#frozenDisks(snapshot);
    const datacenter = await placement.datacenter();
    const { virtualDiskManager } = await session.content();
    const self = virtualDiskManager ?? { type: 'VirtualDiskManager', value: 'virtualDiskManager' };
    const copies = this.#targets(vm, imageId);
    for (const { diskId, key: diskKey, file } of copies) {
      const sourceName = frozen.find((disk) => disk.key === diskKey)?.file;
      if (sourceName === null || sourceName === undefined) {
        throw refusal(vm.record.name, diskId, 'the snapshot does not have it');
      }
      const places = { sourceDatacenter: datacenter, destDatacenter: datacenter };
      // Over what a crash left of an earlier copy of the same instant.
      const parameters = { sourceName, destName: file, ...places, force: true };
      await runTask(session, 'CopyVirtualDisk_Task', { self, parameters });
    }
    const known = copies.map(({ diskId, file, sizeBytes }) => ({ diskId, file, sizeBytes }));
    await vms.reconfigure(vm, { extraConfig: [setting(key(imageId), JSON.stringify(known))] });
    return known;
  }

  /** Beside the disk itself, whose folder is sure to be there and to have the VM's rights. */
  #targets(vm: Vm, imageId: string): readonly (Copy & { readonly key: number })[] {
    return nameDisks(vm.record).map(({ diskId, disk }) => {
      const folder = (disk.file ?? '').replace(/[^/\]]*$/, '').replace(/\]$/, '] ');
      const file = `${folder}image-${imageId}-${diskId}.vmdk`;
      return { diskId, key: disk.key, file, sizeBytes: disk.sizeBytes };
    });
  }

  async #snapshot(vm: Vm, imageId: string): Promise<MoRef> {
    const found = snapshotOf(vm, imageId);
    if (found !== null) return found;
    const { session } = this.#options;
    const parameters = {
      name: `${SNAPSHOT_NAME}${imageId}`,
      description: 'Made by azure-failback for one copy; it is removed when the copy is done.',
      memory: false,
      quiesce: false,
    };
    const result = await runTask(session, 'CreateSnapshot_Task', { self: vm.ref, parameters });
    const where = { address: session.address, method: 'CreateSnapshot_Task' };
    return understand(moRefSchema, result, where);
  }

  async #frozenDisks(snapshot: MoRef): Promise<readonly DiskRecord[]> {
    const path = 'config.hardware.device';
    const properties = await readProperties(this.#options.session, snapshot, [path]);
    return readDevices(properties.get(path)).disks;
  }

  async #removeSnapshot({ ref }: Vm, imageId: string): Promise<void> {
    const { session, vms } = this.#options;
    const now = await vms.read(ref);
    const snapshot = now === null ? null : snapshotOf(now, imageId);
    if (snapshot === null) return;
    const parameters = { removeChildren: false, consolidate: true };
    await runTask(session, 'RemoveSnapshot_Task', { self: snapshot, parameters });
  }

  async #delete(name: string, datacenter: MoRef): Promise<void> {
    const { session } = this.#options;
    const { virtualDiskManager } = await session.content();
    const self = virtualDiskManager ?? { type: 'VirtualDiskManager', value: 'virtualDiskManager' };
    const parameters = { name, datacenter };
    await runTask(session, 'DeleteVirtualDisk_Task', { self, parameters }).catch(
      (error: unknown) => {
        if (!isFault(error, 'FileNotFound')) throw error;
      },
    );
  }
}

const key = (imageId: string): string => `${IMAGE_SETTING}${imageId}`;

function copiesIn({ record }: Vm, imageId: string): readonly Copy[] | null {
  const text = record.settings[key(imageId)];
  if (text === undefined) return null;
  return copiesSchema.parse(JSON.parse(text));
}

function snapshotOf({ record }: Vm, imageId: string): MoRef | null {
  const found = record.snapshots.find(({ name }) => name === `${SNAPSHOT_NAME}${imageId}`);
  return found === undefined ? null : { type: 'VirtualMachineSnapshot', value: found.id };
}

/** Before the snapshot: one that is of no use must not be left behind. */
function checkDisks({ record }: Vm): void {
  for (const { diskId, disk } of nameDisks(record)) {
    const isLeftOut = disk.mode?.startsWith('independent') === true;
    const obstacle = isLeftOut
      ? 'it is independent, so that a snapshot leaves it out'
      : obstacleOf({ ...disk, hasParent: false });
    if (obstacle !== null) throw refusal(record.name, diskId, obstacle);
  }
}
