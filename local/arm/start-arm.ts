import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Azurite } from '../azurite/start-azurite.ts';
import type { LabCertificates } from '../tls/create-certificate.ts';
import { Appliances } from './appliances.ts';
import { type ArmContext, type BootAppliance, resourceId } from './context.ts';
import { DiskBlobs } from './disk-blobs.ts';
import { diskRoutes, PLAIN_DISK } from './disks.ts';
import { GuestWorkload } from './guest-workload.ts';
import { functionAppRoutes } from './function-app.ts';
import { type ArmFault, createListener } from './http.ts';
import { IdentityEndpoint } from './identity-endpoint.ts';
import { freeAddress, networkRoutes } from './network.ts';
import { Operations } from './operations.ts';
import { idIn, resourceRoutes } from './resources.ts';
import { restorePointRoutes } from './restore-points.ts';
import { snapshotRoutes } from './snapshots.ts';
import {
  type ArmState,
  type GuestConsistency,
  type LockRecord,
  type ResourceRecord,
  StateFile,
  type VirtualMachineRecord,
} from './state.ts';
import { virtualMachineRoutes } from './virtual-machines.ts';

export interface ArmOptions {
  readonly azurite: Azurite;
  /** Account of the emulator in which managed disks live. */
  readonly diskAccount: string;
  readonly dataFolder: string;
  readonly certificates: LabCertificates;
  readonly subscriptionId: string;
  readonly bootAppliance: BootAppliance;
  /** Data folder of the Functions host whose keys can be listed; absent = there is no Function App. */
  readonly functionsHostFolder?: string;
  /** How long Azure takes for anything; short, so that people do not wait. */
  readonly latencyMs?: number;
  /** Pause between two writes of a guest; 0 = guests do not write. */
  readonly guestPauseMs?: number;
  readonly now?: () => Date;
}

export interface SeedDisk {
  readonly name: string;
  readonly sizeBytes: number;
  /** `null` = the OS disk. */
  readonly lun: number | null;
  /** Raw image the disk starts with. */
  readonly imageFile?: string;
  readonly writableFrom: number;
  readonly caching?: 'None' | 'ReadOnly' | 'ReadWrite';
  /** A page blob that exists already, used as an unmanaged disk. */
  readonly vhdUri?: string;
}

export interface SeedVirtualMachine {
  readonly resourceGroup: string;
  readonly name: string;
  readonly osType: 'Linux' | 'Windows';
  readonly vmSize: string;
  readonly disks: readonly SeedDisk[];
  readonly securityType?: string;
  readonly guestConsistency?: GuestConsistency;
}

export interface Arm {
  readonly endpoint: string;
  readonly identityEndpoint: string;
  readonly identityHeader: string;
  readonly state: ArmState;
  seed(vm: SeedVirtualMachine): Promise<void>;
  /** Puts a resource that is only read: `Compute/diskAccesses/da` in a group. Returns its id. */
  put(group: string, path: string, properties: ResourceRecord['properties']): string;
  lock(lock: LockRecord): void;
  unlock(lockName: string): void;
  inject(fault: ArmFault): void;
  stop(): Promise<void>;
}

/** A stand-in for the part of Azure Resource Manager that failback uses. */
export async function startArm(options: ArmOptions): Promise<Arm> {
  mkdirSync(options.dataFolder, { recursive: true });
  const file = new StateFile(options.dataFolder);
  const blobs = new DiskBlobs(options.azurite, options.diskAccount);
  await blobs.prepare();
  const operations = new Operations(options.latencyMs ?? 20);
  const machines = new RunningMachines(options, file.state, blobs);
  const context: ArmContext = {
    subscriptionId: options.subscriptionId,
    state: file.state,
    blobs,
    operations,
    now: options.now ?? (() => new Date()),
    save: () => file.save(),
    powerChanged: (vm, isGraceful) => machines.powerChanged(vm, isGraceful),
    holdWrites: (vm, work) => machines.holdWrites(vm, work),
  };
  const identity = new IdentityEndpoint(options.dataFolder);
  const identityEndpoint = await identity.start();
  const faults: ArmFault[] = [];
  const routes = [
    ...virtualMachineRoutes(context),
    ...diskRoutes(context),
    ...snapshotRoutes(context),
    ...restorePointRoutes(context),
    ...networkRoutes(context),
    ...resourceRoutes(context),
    ...functionAppRoutes(options.functionsHostFolder),
  ];
  const { keyPem: key, certificatePem: cert } = options.certificates.server;
  const server = createServer({ key, cert }, createListener({ routes, context, identity, faults }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  for (const vm of file.state.virtualMachines) await machines.powerChanged(vm, true);
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    identityEndpoint,
    identityHeader: identity.header,
    state: file.state,
    seed: (vm) => seed(context, vm),
    inject: (fault) => {
      faults.push({ ...fault });
    },
    put: (group, path, properties) => {
      const id = idIn(context, group, path);
      const others = (file.state.resources ?? []).filter((each) => each.id !== id);
      file.state.resources = [...others, { id, properties }];
      file.save();
      return id;
    },
    lock: (lock) => {
      file.state.locks.push(lock);
      file.save();
    },
    unlock: (lockName) => {
      file.state.locks = file.state.locks.filter(({ name }) => name !== lockName);
      file.save();
    },
    stop: async () => {
      operations.stop();
      await machines.stopAll();
      await identity.stop();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      file.save();
    },
  };
}

/** What goes on inside VMs while they run. */
class RunningMachines {
  readonly #options: ArmOptions;
  readonly #state: ArmState;
  readonly #blobs: DiskBlobs;
  readonly #appliances: Appliances;
  readonly #workloads = new Map<string, GuestWorkload>();

  constructor(options: ArmOptions, state: ArmState, blobs: DiskBlobs) {
    this.#options = options;
    this.#state = state;
    this.#blobs = blobs;
    this.#appliances = new Appliances(join(options.dataFolder, 'vms'), options.bootAppliance);
  }

  async powerChanged(vm: VirtualMachineRecord, isGraceful: boolean): Promise<void> {
    if (vm.power === 'running') {
      this.#startWorkload(vm);
      await this.#appliances.start(vm, this.#state);
      return;
    }
    const workload = this.#workloads.get(vm.name);
    this.#workloads.delete(vm.name);
    await workload?.stop(isGraceful);
    await this.#appliances.stop(vm.name);
  }

  async holdWrites<T>(vm: VirtualMachineRecord, work: () => Promise<T>): Promise<T> {
    const workload = this.#workloads.get(vm.name);
    return workload === undefined ? work() : workload.hold(work);
  }

  /** The lab stops, the VMs do not shut down: they go on when it starts again. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#workloads.values()].map((workload) => workload.stop(false)));
    await this.#appliances.stopAll();
  }

  #startWorkload(vm: VirtualMachineRecord): void {
    const { guestPauseMs = 200 } = this.#options;
    if (guestPauseMs === 0 || vm.customData !== null || this.#workloads.has(vm.name)) return;
    const disks = vm.disks.flatMap(({ name, vhdUri }) => {
      const disk = this.#state.disks.find((each) => each.name === name);
      const writableFrom = vm.writableFrom[name];
      // What is in a page blob of its own is left to those who made it.
      if (vhdUri !== undefined || disk === undefined || writableFrom === undefined) return [];
      return [{ blob: this.#blobs.blob(disk.uniqueId), sizeBytes: disk.sizeBytes, writableFrom }];
    });
    const workload = new GuestWorkload(disks, guestPauseMs, Date.now());
    this.#workloads.set(vm.name, workload);
    workload.start();
  }
}

async function seed(context: ArmContext, vm: SeedVirtualMachine): Promise<void> {
  const { resourceGroup, osType } = vm;
  for (const { name, sizeBytes, lun, imageFile, vhdUri } of vm.disks) {
    if (vhdUri !== undefined) continue;
    const uniqueId = randomUUID();
    await context.blobs.create(uniqueId, sizeBytes);
    if (imageFile !== undefined) await context.blobs.fill(uniqueId, imageFile);
    context.state.disks.push({
      resourceGroup,
      name,
      uniqueId,
      sizeBytes,
      osType: lun === null ? osType : null,
      hyperVGeneration: 'V1',
      ...PLAIN_DISK,
      snapshotTimes: [],
    });
  }
  const nicName = `${vm.name}-nic`;
  const network = resourceId(context, resourceGroup, 'Network/virtualNetworks', 'lab-vnet');
  context.state.nics.push({
    resourceGroup,
    name: nicName,
    subnetId: `${network}/subnets/default`,
    privateIpAddress: freeAddress(context),
    tags: {},
  });
  const record: VirtualMachineRecord = {
    resourceGroup,
    name: vm.name,
    vmId: randomUUID(),
    vmSize: vm.vmSize,
    osType,
    hyperVGeneration: 'V1',
    power: 'running',
    disks: vm.disks.map(({ name, lun, caching, vhdUri }) => ({
      name,
      lun,
      deleteOption: 'Detach',
      ...(caching === undefined ? {} : { caching }),
      ...(vhdUri === undefined ? {} : { vhdUri }),
    })),
    nics: [
      {
        id: resourceId(context, resourceGroup, 'Network/networkInterfaces', nicName),
        deleteOption: 'Detach',
      },
    ],
    customData: null,
    tags: {},
    securityType: vm.securityType ?? null,
    guestConsistency: vm.guestConsistency ?? 'fileSystem',
    writableFrom: Object.fromEntries(vm.disks.map((disk) => [disk.name, disk.writableFrom])),
  };
  context.state.virtualMachines.push(record);
  context.save();
  await context.powerChanged(record, true);
}
