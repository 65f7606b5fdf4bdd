import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type { AttachedDisk } from '../../../../shared/ports/hypervisor.ts';
import { Mutex } from '../../../runtime/mutex.ts';
import { existingDisk, newControllers, removedDisk } from './device-specs.ts';
import type { DiskRecord } from './discovery/records.ts';
import { hotAddSlots, type NamedDisk } from './disk-slots.ts';
import type { ControllerType } from './hardware.ts';
import type { Placement } from './placement.ts';
import type { Vm, VmAccess } from './vm-access.ts';
import { diskOnForeignVsan } from './vsan.ts';

/** A disk that is to be at the master target; it is told apart by its file and its UUID. */
export interface WantedDisk {
  readonly diskId: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly datastoreId: string | null;
}

interface MasterTargetOptions {
  readonly vms: VmAccess;
  readonly placement: Placement;
  /** Names of the VMs of all master targets. */
  readonly names: readonly string[];
}

/** The paravirtual controller: drivers for it are part of a master target. */
const CONTROLLER: ControllerType = 'ParaVirtualSCSIController';

/** Hot-adds disks to the VMs of master targets, and takes them out again. Their VMs keep them in their own settings. */
export class MasterTargetDisks {
  readonly #options: MasterTargetOptions;
  /** Two changes at the same time would choose the same place. */
  readonly #changes = new Mutex();

  constructor(options: MasterTargetOptions) {
    this.#options = options;
  }

  /** True while one of them holds any of these disks. */
  async holds(disks: readonly DiskRecord[]): Promise<boolean> {
    if (disks.length === 0) return false;
    const vms = await this.#options.vms.findMasterTargets(this.#options.names);
    return vms.some((vm) => disks.some((disk) => attached(vm, disk.file) !== undefined));
  }

  /** All of them, in one change, to the VM of that name. What another one holds of them it gives away first. */
  async attach(
    name: string,
    vmName: string,
    disks: readonly WantedDisk[],
  ): Promise<readonly AttachedDisk[]> {
    return this.#changes.run(async () => {
      const files = disks.map(({ file }) => file);
      await this.#takeFrom(
        this.#options.names.filter((other) => other !== name),
        files,
      );
      const vm = await this.#require(name);
      const missing = disks.filter(({ file }) => attached(vm, file) === undefined);
      if (missing.length > 0) await this.#add(vm, vmName, missing);
      const now = missing.length > 0 ? await this.#require(name) : vm;
      return disks.map(({ diskId, file }) => {
        const uuid = attached(now, file)?.uuid;
        if (uuid === null || uuid === undefined) {
          throw refusal(vmName, diskId, 'the server gives no UUID for it');
        }
        return { diskId, device: { kind: 'diskUuid', uuid } };
      });
    });
  }

  async detach(files: readonly string[]): Promise<void> {
    await this.#changes.run(async () => this.#takeFrom(this.#options.names, files));
  }

  async #takeFrom(names: readonly string[], files: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const { vms } = this.#options;
    for (const found of await vms.findMasterTargets(names)) {
      const vm = await vms.atRest(found);
      if (vm === null) continue;
      const held = files.flatMap((file) => attached(vm, file) ?? []);
      if (held.length === 0) continue;
      await vms.reconfigure(vm, { deviceChange: held.map(removedDisk) });
    }
  }

  async #require(name: string): Promise<Vm> {
    const { vms } = this.#options;
    const vm = await vms.atRest(await vms.findMasterTarget(name));
    if (vm === null) throw new FailbackError('FB-VSPHERE-014', { masterTarget: name });
    return vm;
  }

  async #add(vm: Vm, vmName: string, disks: readonly WantedDisk[]): Promise<void> {
    await this.#checkDatastores(vm, vmName, disks);
    const slots = hotAddSlots(vm.record, disks.length);
    if (slots === null) {
      const values = { vmName: vm.record.name, needed: disks.length };
      throw new FailbackError('FB-VSPHERE-017', values);
    }
    const added = disks.flatMap(({ file, sizeBytes }, index) => {
      const slot = slots[index];
      if (slot === undefined) return [];
      return [existingDisk({ file, sizeBytes, slot, temporaryKey: -(index + 1) })];
    });
    await this.#options.vms.reconfigure(vm, {
      deviceChange: [...newControllers(slots, CONTROLLER), ...added],
    });
  }

  async #checkDatastores(vm: Vm, vmName: string, disks: readonly WantedDisk[]): Promise<void> {
    const { hostId } = vm.record;
    if (hostId === null) return;
    const { placement } = this.#options;
    const seen = await placement.datastoresOf(hostId);
    const hidden = disks.find(
      ({ datastoreId }) => datastoreId !== null && !seen.includes(datastoreId),
    );
    if (hidden !== undefined) {
      const reason = `the host of ${vm.record.name} does not reach ${hidden.file}`;
      throw refusal(vmName, hidden.diskId, reason);
    }
    const foreign = await diskOnForeignVsan(placement, vm, disks);
    if (foreign === undefined) return;
    const reason = `it lies on vSAN, which the VM ${vm.record.name} does not`;
    throw refusal(vmName, foreign.diskId, reason);
  }
}

/** Throws FB-VSPHERE-015 for one that it cannot write. */
export function wantedDisks(vmName: string, named: readonly NamedDisk[]): readonly WantedDisk[] {
  return named.map(({ diskId, disk }) => {
    const obstacle = obstacleOf(disk);
    if (obstacle !== null) throw refusal(vmName, diskId, obstacle);
    const { file, sizeBytes, datastoreId } = disk;
    return { diskId, file: file ?? '', sizeBytes, datastoreId };
  });
}

/** Why a disk cannot be written by the master target; `null` = it can. */
export function obstacleOf(disk: DiskRecord): string | null {
  if (disk.backing === 'rdmPhysical') return 'it is a raw device mapping in physical mode';
  if (disk.isShared) return 'several VMs share it';
  if (disk.hasParent) return 'it stands on a snapshot';
  return disk.file === null ? 'it has no file' : null;
}

export function refusal(vmName: string, diskId: string, reason: string): FailbackError {
  return new FailbackError('FB-VSPHERE-015', { diskId, vmName, reason });
}

function attached({ record }: Vm, file: string | null): DiskRecord | undefined {
  return file === null ? undefined : record.disks.find((disk) => disk.file === file);
}
