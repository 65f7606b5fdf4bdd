import { randomUUID } from 'node:crypto';
import {
  constants,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskShape, VmShape } from '../../../../shared/contracts/commands.ts';
import { staticAddressesOf } from '../../../../shared/domain/protected-item.ts';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type {
  AttachedDisk,
  BootEvidence,
  Fixup,
  Hypervisor,
  HypervisorVm,
  SiteDescription,
} from '../../../../shared/ports/hypervisor.ts';
import type { Logger } from '../../../runtime/types.ts';
import type { LocalHypervisorConfig } from '../../config.ts';
import { Boots } from './boot.ts';
import { createSparse, growFiles } from './disk-files.ts';
import { GuestStandIn } from './guest.ts';
import { type VmFile, VmFolders } from './vm-folder.ts';

/** The first of an OS disk is boot loader and file system; the stand-in guest leaves it alone. */
const OS_DISK_GUEST_AREA = 0.75;

/** Image that keepBootCopy makes. */
const BOOT_COPY = 'boot-copy';

interface LocalOptions {
  readonly config: LocalHypervisorConfig;
  readonly log: Logger;
  readonly mobilityUrl: string;
  readonly mobilityProof: (vmId: string) => string;
}

/** A hypervisor of folders: for the lab, for tests, and for sites that only want the disks. */
export class LocalHypervisor implements Hypervisor {
  readonly kind = 'local';
  readonly outage = null;
  readonly #options: LocalOptions;
  readonly #folders: VmFolders;
  readonly #boots: Boots;
  readonly #guests = new Map<string, GuestStandIn>();

  constructor(options: LocalOptions) {
    this.#options = options;
    this.#folders = new VmFolders(options.config.folder);
    this.#boots = new Boots(options.config.boot);
  }

  async describe(): Promise<SiteDescription> {
    try {
      const { bavail, bsize } = statfsSync(this.#folders.root);
      // Nothing of a guest is changed here: fixGuest leaves addresses to it.
      return { isConnected: true, freeBytes: bavail * bsize, restoresStaticAddresses: false };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.warn('the folder of the VMs cannot be read', { reason });
      return { isConnected: false, freeBytes: null };
    }
  }

  async findVm({ vmId, name }: { vmId?: string; name: string }): Promise<HypervisorVm | null> {
    if (vmId !== undefined) return this.#folders.find(vmId);
    const found = this.#folders.all().filter((vm) => vm.name === name);
    if (found.length > 1) {
      const places = found.map((vm) => this.#folders.path(vm.vmId, '')).join(', ');
      throw new FailbackError('FB-SITE-011', { vmName: name, places });
    }
    return found[0] ?? null;
  }

  async findUnregistered({ vmId, name }: { vmId?: string; name: string }): Promise<VmFile | null> {
    if (vmId !== undefined) return this.#folders.findUnregistered(vmId);
    const [only, another] = this.#folders.allUnregistered().filter((vm) => vm.name === name);
    return another === undefined ? (only ?? null) : null;
  }

  async registerVm(vmId: string): Promise<void> {
    if (this.#folders.find(vmId) !== null) return;
    const left = this.#folders.findUnregistered(vmId);
    if (left === null) throw new FailbackError('FB-SITE-008', { vmId });
    this.#folders.register(vmId);
  }

  async unregisterVm(vmId: string): Promise<void> {
    const vm = this.#folders.find(vmId);
    if (vm === null) return;
    if (vm.powerState !== 'off') throw new FailbackError('FB-SITE-010', { vmName: vm.name });
    await this.attachToVm(vmId);
    this.#folders.unregister(vmId);
  }

  async createVm(shape: VmShape, creationKey: string, isIsolated: boolean): Promise<string> {
    const existing = this.#folders.all().find((vm) => vm.creationKey === creationKey);
    if (existing !== undefined) return existing.vmId;
    const vmId = randomUUID();
    this.#folders.write({
      vmId,
      name: shape.name,
      creationKey,
      isIsolated,
      powerState: 'off',
      startedAt: null,
      disksAt: 'vm',
      snapshotCount: 0,
      disks: [],
    });
    return vmId;
  }

  async deleteVm(vmId: string): Promise<void> {
    await this.powerOff(vmId);
    this.#folders.remove(vmId);
  }

  async checkDisks(vmId: string, disks: readonly DiskShape[]): Promise<void> {
    const vm = this.#require(vmId);
    for (const { id: diskId, sizeBytes: neededBytes } of disks) {
      const actualBytes = vm.disks.find((disk) => disk.diskId === diskId)?.sizeBytes;
      if (actualBytes === undefined || actualBytes === neededBytes) continue;
      const values = { diskId, vmName: vm.name, actualBytes, neededBytes };
      throw new FailbackError('FB-SITE-006', values);
    }
  }

  async ensureDisks(
    vmId: string,
    disks: readonly DiskShape[],
    seedVmId?: string,
  ): Promise<readonly string[]> {
    const vm = this.#require(vmId);
    const fresh: string[] = [];
    for (const { id: diskId, sizeBytes } of disks) {
      const file = this.#folders.disk(vmId, diskId);
      const isKnown = vm.disks.some((disk) => disk.diskId === diskId);
      // An empty file that no VM knows is what a crash left between making the disk and sizing it.
      if (!existsSync(file) || (!isKnown && statSync(file).size === 0)) {
        const isSeeded = await this.#copySeed(file, { seedVmId, diskId, sizeBytes });
        if (!isSeeded) {
          await createSparse(file, sizeBytes);
          fresh.push(diskId);
        }
      }
      const { size: actualBytes } = await stat(file);
      if (actualBytes !== sizeBytes) {
        const values = { diskId, vmName: vm.name, actualBytes, neededBytes: sizeBytes };
        throw new FailbackError('FB-SITE-006', values);
      }
    }
    const named = disks.map(({ id: diskId, sizeBytes }) => ({ diskId, sizeBytes }));
    const others = vm.disks.filter(({ diskId }) => !disks.some(({ id }) => id === diskId));
    this.#folders.update(vmId, { disks: [...named, ...others] });
    return fresh;
  }

  async growDisks(vmId: string, wanted: readonly DiskShape[]): Promise<void> {
    this.#folders.update(vmId, {
      disks: await growFiles(this.#folders, this.#require(vmId), wanted),
    });
  }

  async removeSnapshots(vmId: string): Promise<number> {
    const { snapshotCount } = this.#require(vmId);
    this.#folders.update(vmId, { snapshotCount: 0 });
    return snapshotCount;
  }

  async attachToMasterTarget(vmId: string): Promise<readonly AttachedDisk[]> {
    const vm = this.#require(vmId);
    if (vm.powerState === 'on') throw new FailbackError('FB-SITE-004', { vmName: vm.name });
    this.#folders.update(vmId, { disksAt: 'masterTarget' });
    return vm.disks.map(({ diskId }) => ({ diskId, device: this.#file(vmId, diskId) }));
  }

  async attachToVm(vmId: string): Promise<void> {
    this.#require(vmId);
    this.#folders.update(vmId, { disksAt: 'vm' });
  }

  async powerOn(vmId: string): Promise<void> {
    const vm = this.#require(vmId);
    if (vm.disksAt !== 'vm') throw new FailbackError('FB-SITE-003', { vmName: vm.name });
    if (vm.powerState === 'on') return;
    if (this.#options.config.keepBootCopy) {
      await this.closeImage(vmId, BOOT_COPY);
      await this.#copyDisks(vm, BOOT_COPY);
    }
    const startedAt = new Date().toISOString();
    this.#boots.start(vmId, {
      serialLog: this.#folders.path(vmId, 'serial.log'),
      disks: vm.disks.map(({ diskId }) => this.#folders.disk(vmId, diskId)),
    });
    const running = this.#folders.update(vmId, { powerState: 'on', startedAt });
    if (running !== null) this.#startGuest(running);
  }

  async powerOff(vmId: string): Promise<boolean> {
    const wasOn = this.#folders.find(vmId)?.powerState === 'on';
    await this.#guests.get(vmId)?.stop();
    this.#guests.delete(vmId);
    await this.#boots.stop(vmId);
    this.#folders.update(vmId, { powerState: 'off', startedAt: null });
    return wasOn;
  }

  async bootEvidence(vmId: string): Promise<BootEvidence> {
    const seen = this.#boots.evidence(this.#folders.path(vmId, 'serial.log'));
    const isOn = this.#folders.find(vmId)?.powerState === 'on';
    return isOn ? seen : { ...seen, evidence: null };
  }

  async fixGuest(_vmId: string, shape: VmShape): Promise<readonly Fixup[]> {
    const addresses = shape.networks.flatMap((network) =>
      staticAddressesOf(network).map(({ address }) => address),
    );
    return [
      { name: 'VMware Tools', outcome: 'notNeeded', detail: 'The local hypervisor has no tools.' },
      {
        name: 'static IP address',
        outcome: addresses.length === 0 ? 'notNeeded' : 'deferredToGuest',
        detail:
          addresses.length === 0
            ? 'None was recorded before the failover.'
            : `The guest has to set ${addresses.join(', ')}.`,
      },
    ];
  }

  async openImage(vmId: string, imageId: string): Promise<readonly AttachedDisk[]> {
    const vm = this.#require(vmId);
    for (const other of this.#folders.imagesOf(vmId)) {
      if (other !== imageId && other !== BOOT_COPY) await this.closeImage(vmId, other);
    }
    const copyAll = async (): Promise<void> => this.#copyDisks(vm, imageId);
    const guest = this.#guests.get(vmId);
    await (guest === undefined ? copyAll() : guest.whilePaused(copyAll));
    return vm.disks.map(({ diskId }) => ({
      diskId,
      device: { kind: 'file', path: join(this.#imageFolder(vmId, imageId), `${diskId}.raw`) },
    }));
  }

  async closeImage(vmId: string, imageId: string): Promise<boolean> {
    const folder = this.#imageFolder(vmId, imageId);
    const wasOpen = existsSync(folder);
    rmSync(folder, { recursive: true, force: true });
    rmSync(unfinished(folder), { recursive: true, force: true });
    return wasOpen;
  }

  async resume(): Promise<void> {
    for (const vm of this.#folders.all()) {
      if (vm.powerState === 'on' && !this.#guests.has(vm.vmId)) this.#startGuest(vm);
    }
  }

  /** VMs stay on as far as anybody can tell; their stand-ins come back with `resume`. */
  async stop(): Promise<void> {
    await Promise.all([...this.#guests.values()].map((guest) => guest.stop()));
    await this.#boots.stopAll();
  }

  /** False when there is nothing to copy. */
  async #copySeed(
    file: string,
    seed: {
      readonly seedVmId: string | undefined;
      readonly diskId: string;
      readonly sizeBytes: number;
    },
  ): Promise<boolean> {
    const vm = seed.seedVmId === undefined ? null : this.#folders.find(seed.seedVmId);
    const isThere = vm?.disks.some(
      ({ diskId, sizeBytes }) => diskId === seed.diskId && sizeBytes === seed.sizeBytes,
    );
    if (vm === null || vm.powerState === 'on' || isThere !== true) return false;
    // Under another name until it is whole: what a crash leaves must not be taken for the disk.
    const source = this.#folders.disk(vm.vmId, seed.diskId);
    await copyFile(source, `${file}.new`, constants.COPYFILE_FICLONE);
    renameSync(`${file}.new`, file);
    return true;
  }

  /** All disks or none: an image that is there is whole, and is never written again. */
  async #copyDisks({ vmId, disks }: VmFile, imageId: string): Promise<void> {
    const folder = this.#imageFolder(vmId, imageId);
    if (existsSync(folder)) return;
    rmSync(unfinished(folder), { recursive: true, force: true });
    mkdirSync(unfinished(folder), { recursive: true });
    for (const { diskId } of disks) {
      const target = join(unfinished(folder), `${diskId}.raw`);
      await copyFile(this.#folders.disk(vmId, diskId), target, constants.COPYFILE_FICLONE);
    }
    renameSync(unfinished(folder), folder);
  }

  #startGuest(vm: VmFile): void {
    const { config, log, mobilityUrl, mobilityProof } = this.#options;
    const { agentDelaySeconds } = config;
    const guest = new GuestStandIn({
      vmId: vm.vmId,
      hostName: vm.name,
      mobilityUrl,
      proof: mobilityProof(vm.vmId),
      // A rehearsal's machine is cut off from everything.
      agentDelayMs: vm.isIsolated || agentDelaySeconds === null ? null : agentDelaySeconds * 1000,
      guestPauseMs: vm.isIsolated ? null : config.guestPauseMs,
      disks: vm.disks.map(({ diskId, sizeBytes }) => ({
        file: this.#folders.disk(vm.vmId, diskId),
        sizeBytes,
        from: diskId === 'os' ? Math.floor((sizeBytes * OS_DISK_GUEST_AREA) / 4096) * 4096 : 0,
      })),
      areDisksBusy: () => this.#boots.isRunning(vm.vmId),
      log,
    });
    this.#guests.set(vm.vmId, guest);
    guest.start();
  }

  #require(vmId: string): VmFile {
    const vm = this.#folders.find(vmId);
    if (vm === null) throw new FailbackError('FB-SITE-002', { vmName: vmId });
    return vm;
  }

  #file(vmId: string, diskId: string): AttachedDisk['device'] {
    return { kind: 'file', path: this.#folders.disk(vmId, diskId) };
  }

  #imageFolder(vmId: string, imageId: string): string {
    return this.#folders.path(vmId, `images/${imageId}`);
  }
}

/** Ids of images have no dots. */
function unfinished(imageFolder: string): string {
  return `${imageFolder}.new`;
}
