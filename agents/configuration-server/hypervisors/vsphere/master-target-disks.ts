import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type { AttachedDisk } from '../../../../shared/ports/hypervisor.ts';
import { Mutex } from '../../../runtime/mutex.ts';
import { existingDisk, newControllers, removedDisk } from './device-specs.ts';
import type { DiskRecord } from './discovery/records.ts';
import { type FreeSlot, hotAddSlots, type NamedDisk, sameUuid } from './disk-slots.ts';
import type { ControllerType } from './hardware.ts';
import type { Placement } from './placement.ts';
import type { Vm, VmAccess } from './vm-access.ts';
import { diskOnForeignVsan } from './vsan.ts';

/** What tells a disk apart: its UUID, which the guest sees too, and its file where the server gives no UUID. */
type Identity = Pick<DiskRecord, 'file' | 'uuid'>;

/** A disk that is to be at the master target. */
export interface WantedDisk extends Identity {
  readonly diskId: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly datastoreId: string | null;
  readonly backing: DiskRecord['backing'];
}

/** `read`: one that is frozen below a snapshot; what is written to it is thrown away when it leaves. */
export type DiskUse = 'write' | 'read';

interface Attachment {
  /** Of the VM of a master target. */
  readonly name: string;
  /** Whose disks they are. */
  readonly vmName: string;
  readonly use: DiskUse;
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

  /** True while one of them holds any of these disks to write to them. */
  async holds(disks: readonly DiskRecord[]): Promise<boolean> {
    if (disks.length === 0) return false;
    const { vms, names } = this.#options;
    const all = await vms.findMasterTargets(names);
    return all.some(({ record }) =>
      usedFor('write', record.disks).some((held) => disks.some((disk) => isSame(held, disk))),
    );
  }

  /** Throws FB-VSPHERE-023 for a disk that one of them cannot tell from one it has. */
  async checkDistinct(vmName: string, disks: readonly NamedDisk[]): Promise<void> {
    const { vms, names } = this.#options;
    for (const { ref, record } of await vms.findMasterTargets(names)) {
      // Images of ours are closed before the disks themselves come.
      const held = { ref, record: { ...record, disks: usedFor('write', record.disks) } };
      for (const { diskId, disk } of disks) found(held, vmName, { ...disk, diskId, use: 'write' });
    }
  }

  /** All of them, in one change. What another one holds of them it gives away first. */
  async attach(to: Attachment, disks: readonly WantedDisk[]): Promise<readonly AttachedDisk[]> {
    const { name, vmName, use } = to;
    return this.#changes.run(async () => {
      refuseTwins(vmName, disks);
      const others = this.#options.names.filter((other) => other !== name);
      await this.#takeFrom(others, disks, use);
      const vm = await this.#require(name);
      const missing = disks.filter((disk) => found(vm, vmName, { ...disk, use }) === undefined);
      if (missing.length > 0) await this.#add(vm, to, missing);
      const now = missing.length > 0 ? await this.#require(name) : vm;
      return disks.map((disk) => {
        const { diskId } = disk;
        const uuid = found(now, vmName, { ...disk, use })?.uuid;
        if (uuid === null || uuid === undefined) {
          throw refusal(vmName, diskId, 'the server gives no UUID for it');
        }
        return { diskId, device: { kind: 'diskUuid', uuid } };
      });
    });
  }

  /** Their files stay. True when there were any. */
  async detach(disks: readonly Identity[], use: DiskUse): Promise<boolean> {
    return this.#changes.run(async () => this.#takeFrom(this.#options.names, disks, use));
  }

  async #takeFrom(
    names: readonly string[],
    disks: readonly Identity[],
    use: DiskUse,
  ): Promise<boolean> {
    if (names.length === 0 || disks.length === 0) return false;
    const { vms } = this.#options;
    let wereThere = false;
    for (const known of await vms.findMasterTargets(names)) {
      const vm = await vms.atRest(known.ref);
      if (vm === null) continue;
      const held = usedFor(use, vm.record.disks).filter((each) =>
        disks.some((disk) => isSame(each, disk)),
      );
      if (held.length === 0) continue;
      if (use === 'write') refuseMoved(vm, held, disks);
      await vms.reconfigure(vm, { deviceChange: held.map(removedDisk) });
      wereThere = true;
    }
    return wereThere;
  }

  async #require(name: string): Promise<Vm> {
    const { vms } = this.#options;
    const known = await vms.findMasterTarget(name);
    const vm = known === null ? null : await vms.atRest(known.ref);
    if (vm === null) throw new FailbackError('FB-VSPHERE-014', { masterTarget: name });
    return vm;
  }

  async #add(vm: Vm, { vmName, use }: Attachment, disks: readonly WantedDisk[]): Promise<void> {
    await this.#checkDatastores(vm, vmName, disks);
    const ready = await this.#withControllers(vm, disks.length);
    const slots = slotsFor(ready, disks.length);
    const added = disks.flatMap(({ file, sizeBytes, backing }, index) => {
      const slot = slots[index];
      if (slot === undefined) return [];
      const place = { file, sizeBytes, slot, temporaryKey: -(index + 1) };
      return [existingDisk(place, { use, backing })];
    });
    await this.#options.vms.reconfigure(ready, { deviceChange: added });
  }

  /**
   * In a change of their own, before any disk: for a paravirtual controller the host suspends the running VM and resumes
   * it, and a new disk that somebody else holds would keep it from coming back.
   */
  async #withControllers(vm: Vm, diskCount: number): Promise<Vm> {
    const missing = newControllers(slotsFor(vm, diskCount), CONTROLLER);
    if (missing.length === 0) return vm;
    const { vms } = this.#options;
    await vms.reconfigure(vm, { deviceChange: missing });
    return vms.again(vm);
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

function slotsFor({ record }: Vm, needed: number): readonly FreeSlot[] {
  const slots = hotAddSlots(record, needed);
  if (slots === null) throw new FailbackError('FB-VSPHERE-017', { vmName: record.name, needed });
  return slots;
}

/** Throws FB-VSPHERE-015 for one that it cannot write. */
export function wantedDisks(vmName: string, named: readonly NamedDisk[]): readonly WantedDisk[] {
  return named.map(({ diskId, disk }) => {
    const obstacle = obstacleOf(disk);
    if (obstacle !== null) throw refusal(vmName, diskId, obstacle);
    const { file, sizeBytes, datastoreId, uuid, backing } = disk;
    return { diskId, file: file ?? '', sizeBytes, datastoreId, uuid, backing };
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

function usedFor(use: DiskUse, disks: readonly DiskRecord[]): readonly DiskRecord[] {
  return disks.filter(({ mode }) => (mode === 'independent_nonpersistent') === (use === 'read'));
}

function isSame(one: Identity, other: Identity): boolean {
  return sameUuid(one.uuid, other.uuid) || (one.file !== null && one.file === other.file);
}

/**
 * The disk as the VM has it. The guest finds a disk by its UUID: another one with the same, or the same one with
 * another file or for another use, could be written to in its place.
 */
function found(
  vm: Vm,
  vmName: string,
  { diskId, use, ...disk }: Identity & Pick<WantedDisk, 'diskId'> & { readonly use: DiskUse },
): DiskRecord | undefined {
  const held = vm.record.disks.find((each) => isSame(each, disk));
  if (held === undefined) return undefined;
  if (held.file === disk.file && usedFor(use, [held]).length > 0) return held;
  throw indistinct(vm, { held, diskId, vmName, file: disk.file });
}

/** Its file was moved with the master target, or it is another disk: to let it go would lose the one or the other. */
function refuseMoved(vm: Vm, held: readonly DiskRecord[], disks: readonly Identity[]): void {
  for (const each of held) {
    const own = disks.find((disk) => isSame(each, disk));
    if (own === undefined || own.file === each.file) continue;
    throw indistinct(vm, { held: each, diskId: own.uuid ?? '', vmName: '', file: own.file });
  }
}

interface Clash {
  readonly held: DiskRecord;
  readonly diskId: string;
  readonly vmName: string;
  readonly file: string | null;
}

function indistinct({ record }: Vm, { held, diskId, vmName, file }: Clash): FailbackError {
  return new FailbackError('FB-VSPHERE-023', {
    masterTarget: record.name,
    heldFile: held.file ?? '(none)',
    diskId,
    vmName,
    file: file ?? '(none)',
  });
}

function refuseTwins(vmName: string, disks: readonly WantedDisk[]): void {
  for (const [index, disk] of disks.entries()) {
    const twin = disks.slice(0, index).find((other) => isSame(other, disk));
    if (twin === undefined) continue;
    throw refusal(vmName, disk.diskId, `it has the UUID of ${twin.diskId}`);
  }
}
