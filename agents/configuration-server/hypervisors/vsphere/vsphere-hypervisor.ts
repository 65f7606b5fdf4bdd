import { setTimeout as delay } from 'node:timers/promises';
import type { DiskShape, VmShape } from '../../../../shared/contracts/commands.ts';
import type { Secret } from '../../../../shared/domain/secret.ts';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type {
  AttachedDisk,
  BootEvidence,
  Fixup,
  Hypervisor,
  HypervisorVm,
  SiteDescription,
  SiteSubject,
  VmPlace,
} from '../../../../shared/ports/hypervisor.ts';
import type { Logger } from '../../../runtime/types.ts';
import type { VsphereHypervisorConfig } from '../../config.ts';
import type { InventoryTables } from '../../inventory-tables.ts';
import { Discovery } from './discovery/discovery.ts';
import { currentFacts } from './current-facts.ts';
import { nameDisks } from './disk-slots.ts';
import { checkRoom, growDisks, growingDisks } from './growth.ts';
import { accountFor, type GuestAccounts } from './guest/guest-accounts.ts';
import { fixGuest } from './guest/guest-fixups.ts';
import { Images, withoutImages } from './images.ts';
import { MasterTargetDisks, wantedDisks } from './master-target-disks.ts';
import { masterTargetVm, masterTargetVms } from './master-target-vms.ts';
import { addDisks, checkDisks, createVm } from './new-vm.ts';
import { Placement } from './placement.ts';
import { bootEvidence, powerOff, powerOn } from './power.ts';
import { Registration } from './registration.ts';
import { Seeds } from './seeds.ts';
import { idOf, shown } from './shown-vm.ts';
import { removeSnapshots } from './snapshots.ts';
import { isFault } from './vim/faults.ts';
import { waitForOwnTasks } from './vim/own-tasks.ts';
import { VimSession } from './vim/session.ts';
import { SoapTransport } from './vim/soap-transport.ts';
import { runTask } from './vim/tasks.ts';
import { type Vm, VmAccess, vmIdFor } from './vm-access.ts';
import { refuseNewDisksOnVsan } from './vsan.ts';

/** A wrong password that is tried too often locks the account. */
const REFUSED_PAUSE_MS = 15 * 60_000;

interface VsphereOptions {
  readonly config: VsphereHypervisorConfig;
  readonly password: Secret;
  readonly guestAccounts: GuestAccounts;
  readonly tables: InventoryTables;
  readonly log: Logger;
}

/** VMs of a vCenter, of an ESXi host by itself, or of a private cloud of Azure VMware Solution. */
export class VsphereHypervisor implements Hypervisor {
  readonly kind = 'vsphere';
  readonly #options: VsphereOptions;
  readonly #session: VimSession;
  readonly #vms: VmAccess;
  readonly #placement: Placement;
  readonly #masterTarget: MasterTargetDisks;
  readonly #images: Images;
  readonly #registration: Registration;
  readonly #discovery: Discovery;
  readonly #stopping = new AbortController();
  #looking: Promise<void> = Promise.resolve();

  constructor(options: VsphereOptions) {
    const { config, password, log, tables } = options;
    const { url, thumbprint = null, username } = config;
    this.#options = options;
    const transport = new SoapTransport({ url, thumbprint });
    this.#session = new VimSession({ transport, username, password, log });
    const session = this.#session;
    const vms = new VmAccess(session, config.datacenter, tables);
    const placement = new Placement(session, vms, config);
    this.#vms = vms;
    this.#placement = placement;
    this.#masterTarget = new MasterTargetDisks({ vms, placement, names: masterTargetVms(config) });
    this.#images = new Images({ session, vms, masterTarget: this.#masterTarget });
    this.#registration = new Registration({ session, vms, placement, tables });
    this.#discovery = new Discovery({
      session,
      tables,
      config,
      signal: this.#stopping.signal,
    });
  }

  get outage(): FailbackError | null {
    return this.#session.outage;
  }

  async describe(subject?: SiteSubject): Promise<SiteDescription> {
    try {
      await this.#placement.checkSiteKind();
      const { guestAccounts } = this.#options;
      const freeBytes = await this.#placement.freeBytes(subject?.datastore);
      if (subject === undefined) return { isConnected: true, freeBytes };
      const restoresStaticAddresses = accountFor(guestAccounts, subject.vmName) !== null;
      const vsphere = await currentFacts({ ...this.#options, discovery: this.#discovery }, subject);
      return { isConnected: true, freeBytes, restoresStaticAddresses, vsphere };
    } catch (error) {
      if (!(error instanceof FailbackError)) throw error;
      this.#options.log.warn('the vSphere server cannot be used', { reason: error.message });
      return { isConnected: false, freeBytes: null };
    }
  }

  async findVm({ vmId, name }: { vmId?: string; name: string }): Promise<HypervisorVm | null> {
    const vm = await (vmId === undefined ? this.#vms.findNamed(name) : this.#vms.find(vmId));
    if (vm === null) return null;
    const { record } = vm;
    if (record.powerState === 'unknown' || record.connection === 'unreadable') {
      throw new FailbackError('FB-VSPHERE-021', { vmName: record.name });
    }
    return {
      vmId: idOf(vm),
      ...shown(record),
      // A suspended VM holds its disks as one that runs does.
      powerState: record.powerState === 'off' ? 'off' : 'on',
      disksAt: (await this.#masterTarget.holds(record.disks)) ? 'masterTarget' : 'vm',
      startedAt: record.powerState === 'off' ? null : record.startedAt,
    };
  }

  async findUnregistered(key: { vmId?: string; name: string }): Promise<HypervisorVm | null> {
    const record = await this.#registration.find(key);
    if (record === null || record.instanceUuid === null) return null;
    const left = { powerState: 'off', disksAt: 'vm', startedAt: null } as const;
    return { vmId: record.instanceUuid, ...shown(record), ...left };
  }

  async registerVm(vmId: string, masterTarget?: string): Promise<void> {
    if ((await this.#vms.find(vmId)) !== null) return;
    await this.#registration.register(vmId, await this.#masterTargetVm(masterTarget));
  }

  async unregisterVm(vmId: string): Promise<void> {
    const vm = await this.#vms.findAtRest(vmId);
    if (vm === null) return;
    const { name: vmName, powerState } = vm.record;
    if (powerState !== 'off') throw new FailbackError('FB-SITE-010', { vmName });
    await this.#takeBack(vm);
    await this.#registration.unregister(vm);
  }

  async createVm(
    shape: VmShape,
    creationKey: string,
    isIsolated: boolean,
    { masterTarget, datastore }: VmPlace = {},
  ): Promise<string> {
    const vmId = vmIdFor(creationKey);
    if ((await this.#vms.find(vmId)) !== null) return vmId;
    const place = await this.#placement.place({
      vmName: shape.name,
      masterTarget: await this.#masterTargetVm(masterTarget),
      datastore,
    });
    await waitForOwnTasks(this.#session, place.folder);
    // Also when nothing was at work: what was may have ended since the first look.
    if ((await this.#vms.find(vmId)) !== null) return vmId;
    const parts = {
      session: this.#session,
      placement: this.#placement,
      config: this.#options.config,
    };
    try {
      await createVm(parts, { shape, creationKey, vmId, isIsolated, place });
    } catch (error) {
      if (!isFault(error, 'DuplicateName')) throw error;
      // A request whose answer was lost may arrive after those that look for what it made.
      if ((await this.#vms.find(vmId)) === null) throw error;
    }
    return vmId;
  }

  async deleteVm(vmId: string): Promise<void> {
    const vm = await this.#vms.findAtRest(vmId);
    if (vm === null) return;
    if (vm.record.powerState !== 'off') await powerOff(this.#session, vm, 0);
    await this.#takeBack(vm);
    await this.#images.closeAll(vm);
    await runTask(this.#session, 'Destroy_Task', { self: vm.ref, parameters: {} }).catch(
      (error: unknown) => {
        if (!isFault(error, 'ManagedObjectNotFound')) throw error;
      },
    );
  }

  async checkDisks(vmId: string, disks: readonly DiskShape[]): Promise<void> {
    const closed = await this.#placement.datastoresWithoutNewDisks();
    const vm = await this.#vms.require(vmId);
    const named = checkDisks(withoutImages(vm.record), disks);
    await this.#masterTarget.checkDistinct(vm.record.name, named);
    refuseNewDisksOnVsan(vm, disks, closed);
  }

  async ensureDisks(
    vmId: string,
    disks: readonly DiskShape[],
    seedVmId?: string,
  ): Promise<readonly string[]> {
    const closed = await this.#placement.datastoresWithoutNewDisks();
    const vm = await this.#vms.require(vmId);
    refuseNewDisksOnVsan(vm, disks, closed);
    const seed = seedVmId === undefined ? null : await this.#vms.find(seedVmId);
    const parts = { session: this.#session, placement: this.#placement };
    const seeds = seed === null ? null : new Seeds({ ...parts, seed, wanted: disks });
    return addDisks(this.#vms, vm, disks, seeds);
  }

  async growDisks(vmId: string, disks: readonly DiskShape[]): Promise<void> {
    const vm = await this.#vms.require(vmId);
    const { name: vmName, powerState } = vm.record;
    if (powerState !== 'off') throw new FailbackError('FB-SITE-004', { vmName });
    await this.#images.closeAll(vm);
    const growing = growingDisks(await this.#vms.again(vm), disks);
    if (growing.length === 0) return;
    await checkRoom(this.#placement, vmName, growing);
    // A disk that another VM has open too, as the master target, cannot be made larger.
    await this.#takeBack(vm);
    await growDisks(this.#vms, vm, growing);
  }

  async removeSnapshots(vmId: string): Promise<number> {
    const vm = await this.#vms.require(vmId);
    await this.#images.release(vm);
    return removeSnapshots(this.#session, vm);
  }

  async attachToMasterTarget(
    vmId: string,
    masterTarget?: string,
  ): Promise<readonly AttachedDisk[]> {
    await this.#finishDiscovery();
    const vm = await this.#vms.require(vmId);
    const { name: vmName, powerState } = vm.record;
    if (powerState !== 'off') throw new FailbackError('FB-SITE-004', { vmName });
    await this.#images.closeAll(vm);
    const { record } = await this.#vms.again(vm);
    const name = this.#nameOfVm(masterTarget);
    const wanted = wantedDisks(vmName, nameDisks(record));
    return this.#masterTarget.attach({ name, vmName, use: 'write' }, wanted);
  }

  async attachToVm(vmId: string): Promise<void> {
    await this.#takeBack(await this.#vms.require(vmId));
  }

  async powerOn(vmId: string): Promise<void> {
    const vm = await this.#vms.require(vmId);
    if (await this.#masterTarget.holds(vm.record.disks)) {
      throw new FailbackError('FB-SITE-003', { vmName: vm.record.name });
    }
    if (vm.record.powerState !== 'on') await powerOn(this.#session, vm);
  }

  async powerOff(vmId: string, isGraceful: boolean): Promise<boolean> {
    const vm = await this.#vms.require(vmId);
    if (vm.record.powerState === 'off') return false;
    const { gracefulShutdownSeconds } = this.#options.config;
    await powerOff(this.#session, vm, isGraceful ? gracefulShutdownSeconds : 0);
    return true;
  }

  async bootEvidence(vmId: string): Promise<BootEvidence> {
    return bootEvidence(await this.#vms.require(vmId));
  }

  async fixGuest(vmId: string, shape: VmShape): Promise<readonly Fixup[]> {
    const vm = await this.#vms.require(vmId);
    const { guestAccounts, config } = this.#options;
    const account = accountFor(guestAccounts, shape.name);
    const readySeconds = config.guestReadySeconds;
    const options = { session: this.#session, vms: this.#vms, account, readySeconds };
    return fixGuest(options, vm, shape);
  }

  async openImage(
    vmId: string,
    imageId: string,
    masterTarget?: string,
  ): Promise<readonly AttachedDisk[]> {
    const name = this.#nameOfVm(masterTarget);
    return this.#images.open(await this.#vms.require(vmId), imageId, name);
  }

  async closeImage(vmId: string, imageId: string): Promise<boolean> {
    const vm = await this.#vms.findAtRest(vmId);
    return vm === null ? false : this.#images.close(vm, imageId);
  }

  /** What the server does goes on without us; only looking at it starts again. */
  async resume(): Promise<void> {
    this.#looking = this.#look();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
    await this.#discovery.close();
    await this.#session.close();
  }

  /** Keeps the inventory in the database true; a server that is away is looked for again. */
  async #look(): Promise<void> {
    const { config, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let pauseMs = config.refreshSeconds * 1000;
      try {
        const { isFresh, changeCount } = await this.#discovery.look();
        log.debug('the inventory was read', { isFresh, changeCount });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const isRefused = error instanceof FailbackError && error.code === 'FB-VSPHERE-004';
        if (isRefused) pauseMs = Math.max(pauseMs, REFUSED_PAUSE_MS);
        if (!signal.aborted) log.warn('the inventory of the site could not be read', { reason });
      }
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Name of the VM of a master target. Throws FB-VSPHERE-014 for one that this site does not have. */
  #nameOfVm(masterTarget: string | undefined): string {
    const name = masterTargetVm(this.#options.config, masterTarget);
    if (name !== null) return name;
    throw new FailbackError('FB-VSPHERE-014', { masterTarget: masterTarget ?? '' });
  }

  async #masterTargetVm(masterTarget: string | undefined): Promise<Vm> {
    const name = this.#nameOfVm(masterTarget);
    const vm = await this.#vms.findMasterTarget(name);
    if (vm === null) throw new FailbackError('FB-VSPHERE-014', { masterTarget: name });
    return vm;
  }

  /** Of a host without vCenter nobody else knows the VMs: they have to have been read once, as a whole. */
  async #finishDiscovery(): Promise<void> {
    const { config, tables } = this.#options;
    if (config.siteKind === 'esxi' && tables.observedAt() === null) await this.#discovery.look();
  }

  async #takeBack({ record }: Vm): Promise<void> {
    await this.#masterTarget.detach(record.disks, 'write');
  }
}
