import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  configurationServerConfigSchema,
  type VsphereHypervisorConfig,
} from '../../../agents/configuration-server/config.ts';
import type { GuestAccounts } from '../../../agents/configuration-server/hypervisors/vsphere/guest/guest-accounts.ts';
import { Discovery } from '../../../agents/configuration-server/hypervisors/vsphere/discovery/discovery.ts';
import type { VmRecord } from '../../../agents/configuration-server/hypervisors/vsphere/discovery/records.ts';
import { nameDisks } from '../../../agents/configuration-server/hypervisors/vsphere/disk-slots.ts';
import { VsphereHypervisor } from '../../../agents/configuration-server/hypervisors/vsphere/vsphere-hypervisor.ts';
import { VimSession } from '../../../agents/configuration-server/hypervisors/vsphere/vim/session.ts';
import { SoapTransport } from '../../../agents/configuration-server/hypervisors/vsphere/vim/soap-transport.ts';
import { runTask } from '../../../agents/configuration-server/hypervisors/vsphere/vim/tasks.ts';
import { VmAccess } from '../../../agents/configuration-server/hypervisors/vsphere/vm-access.ts';
import { InventoryTables } from '../../../agents/configuration-server/inventory-tables.ts';
import type { TargetDevice } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { must } from '../../support/must.ts';
import type { DatastoreType, VcenterPeerOptions } from '../../support/vcenter/peer-types.ts';
import { VcenterPeer } from '../../support/vcenter/vcenter-peer.ts';
import type { HypervisorFixture } from './fixture.ts';
import { bootDisk } from './local-fixture.ts';

const MIB = 1024 * 1024;
export const DATASTORE = 'datastore1';
export const MASTER_TARGET = 'master-target';
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const NO_ACCOUNTS: GuestAccounts = { others: null, ofVms: new Map() };

interface Options {
  readonly peer?: VcenterPeerOptions;
  readonly config?: Partial<VsphereHypervisorConfig>;
  readonly guestAccounts?: GuestAccounts;
  readonly datastoreType?: DatastoreType;
  /** The account has these only; left out, it has all. */
  readonly privileges?: readonly string[];
  /** In place of that: the account has these on the datacenter and all below it, and nothing above. */
  readonly privilegesOnDatacenter?: readonly string[];
}

/** The vSphere driver on the vCenter peer, whose datastore is a folder: the test stands in for the master target. */
export class VsphereFixture implements HypervisorFixture {
  readonly peer: VcenterPeer;
  readonly folder: string;
  readonly vms: VmAccess;
  hypervisor: VsphereHypervisor;
  readonly session: VimSession;
  readonly #config: VsphereHypervisorConfig;
  readonly #guestAccounts: GuestAccounts;
  readonly #hasQemu: boolean;
  readonly #database = new DatabaseSync(':memory:');

  private constructor(peer: VcenterPeer, folder: string, options: Options) {
    const { config = {}, guestAccounts = NO_ACCOUNTS } = options;
    this.peer = peer;
    this.#hasQemu = options.peer?.qemu === true;
    this.folder = folder;
    this.#guestAccounts = guestAccounts;
    const { url, user, thumbprints, password } = peer.ready;
    this.#config = {
      ...configurationServerConfigSchema.shape.hypervisor.parse({
        kind: 'vsphere',
        url,
        thumbprint: thumbprints.sha256,
        username: user,
        passwordFile: 'unused',
        datastore: DATASTORE,
        masterTarget: MASTER_TARGET,
        networks: { Production: 'VM Network' },
      }),
      ...config,
    } as VsphereHypervisorConfig;
    this.session = new VimSession({
      transport: new SoapTransport({ url, thumbprint: thumbprints.sha1 }),
      username: user,
      password: new Secret(password),
      log: SILENT,
    });
    this.vms = new VmAccess(this.session, this.#config.datacenter);
    this.hypervisor = this.#start();
  }

  static async start(options: Options = {}): Promise<VsphereFixture> {
    const folder = mkdtempSync(join(tmpdir(), 'vsphere-'));
    const { datastoreType: type = 'VMFS', privileges } = options;
    const datastores = [{ name: DATASTORE, folder, type }];
    const peer = await VcenterPeer.start({ datastores, ...options.peer });
    const master = { prefix: MASTER_TARGET, datastore: DATASTORE, diskMb: 1, isOn: true };
    await peer.addVms(master);
    if (privileges !== undefined) await peer.setAccount({ name: peer.ready.user, privileges });
    const fixture = new VsphereFixture(peer, folder, options);
    const { privilegesOnDatacenter: granted } = options;
    if (granted !== undefined) {
      const datacenters = await fixture.vms.objects({ Datacenter: ['name'] });
      const grants = datacenters.map(({ ref }) => ({ object: ref.value, privileges: granted }));
      await peer.setAccount({ name: peer.ready.user, grants });
    }
    return fixture;
  }

  get tables(): InventoryTables {
    return new InventoryTables(this.#database);
  }

  /** Reads the inventory, as the configuration server does by itself. */
  async discover(): Promise<void> {
    const { signal } = new AbortController();
    const { session, tables } = this;
    const discovery = new Discovery({ session, tables, config: this.#config, signal });
    await discovery.refresh();
    await discovery.close();
  }

  /** Throws when no VM has the name. */
  async recordNamed(name: string): Promise<VmRecord> {
    return must(await this.vms.findNamed(name), `the VM ${name}`).record;
  }

  /** Names are unique within a folder. */
  async addVm(
    vm: Parameters<HypervisorFixture['addVm']>[0] & { readonly folder?: string },
  ): Promise<string> {
    const disksMb = vm.disks.map(({ sizeBytes }) => sizeBytes / MIB);
    const folder = vm.folder === undefined ? {} : { folder: vm.folder };
    const where = { prefix: vm.name, datastore: DATASTORE, ...folder };
    const moids = await this.peer.addVms({ ...where, disksMb });
    const made = await this.vms.read({ type: 'VirtualMachine', value: moids[vm.name] ?? '' });
    return made?.record.instanceUuid ?? '';
  }

  async write(device: TargetDevice, offset: number, bytes: Buffer): Promise<void> {
    await this.#write(this.dataFile(device), offset, bytes);
  }

  async writeAsGuest(vmId: string, diskId: string, offset: number, bytes: Buffer): Promise<void> {
    const { record } = await this.vms.require(vmId);
    const named = nameDisks(record).find((each) => each.diskId === diskId);
    const descriptor = join(this.folder, (named?.disk.file ?? '').replace(/^\[[^\]]*\] /, ''));
    const extent = /^RW \d+ \S+ "([^"]*)"/m.exec(readFileSync(descriptor, 'latin1'))?.[1] ?? '';
    await this.#write(join(dirname(descriptor), extent), offset, bytes);
  }

  async #write(path: string, offset: number, bytes: Buffer): Promise<void> {
    const file = await open(path, 'r+');
    try {
      await file.write(bytes, 0, bytes.length, offset);
    } finally {
      await file.close();
    }
  }

  async read(device: TargetDevice, offset: number, length: number): Promise<Buffer> {
    const file = await open(this.dataFile(device), 'r');
    try {
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, offset);
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** Without QEMU the guests of the peer are only in its books; with it, its tools run once the disk booted. */
  async installGuest(device: TargetDevice, evidence: string): Promise<string> {
    if (this.#hasQemu) await this.write(device, 0, bootDisk(evidence));
    return 'VMware Tools run';
  }

  async addSnapshot(vmId: string): Promise<void> {
    const { ref: self } = await this.vms.require(vmId);
    const parameters = { name: 'before the update', memory: false, quiesce: false };
    await runTask(this.session, 'CreateSnapshot_Task', { self, parameters });
  }

  /** To the disk in that file, which its VM then shows. */
  async giveUuid(name: string, uuid: string): Promise<void> {
    await this.peer.setDiskUuid(name, uuid);
  }

  async isIsolated(vmId: string): Promise<boolean> {
    const { record } = await this.vms.require(vmId);
    return record.settings['azureFailback.isIsolated'] === 'true';
  }

  async restart(): Promise<void> {
    await this.hypervisor.stop();
    this.hypervisor = this.#start();
  }

  async stop(): Promise<void> {
    await this.hypervisor.stop();
    await this.session.close();
    await this.peer.stop();
    this.#database.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The file with the bytes of a disk, found as a master target finds it: by its UUID. */
  dataFile(device: TargetDevice): string {
    if (device.kind !== 'diskUuid') throw new Error('vSphere gives disks out by their UUID.');
    const wanted = device.uuid.replaceAll('-', '').toLowerCase();
    const found = globSync('*/*.vmdk', { cwd: this.folder }).flatMap((name) => {
      const file = join(this.folder, name);
      const text = /-flat|-delta/.test(name) ? '' : readFileSync(file, 'latin1');
      const uuid = /ddb\.uuid = "([^"]*)"/.exec(text)?.[1] ?? '';
      const extent = /^RW \d+ VMFS "([^"]*)"/m.exec(text)?.[1];
      // What a VM writes to above a snapshot has the UUID of the disk too; the master target has the one below.
      if (text.includes('parentFileNameHint')) return [];
      const isIt = uuid.replaceAll(/[ -]/g, '').toLowerCase() === wanted;
      return isIt && extent !== undefined ? [join(dirname(file), extent)] : [];
    });
    const [only] = found;
    if (only === undefined || found.length > 1) {
      throw new Error(`${found.length} disks have the UUID ${device.uuid}`);
    }
    return only;
  }

  #start(): VsphereHypervisor {
    return new VsphereHypervisor({
      config: this.#config,
      password: new Secret(this.peer.ready.password),
      guestAccounts: this.#guestAccounts,
      tables: new InventoryTables(this.#database),
      log: SILENT,
    });
  }
}
