import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidInGuest } from '../../agents/configuration-server/guest-ids.ts';
import { setting } from '../../agents/configuration-server/hypervisors/vsphere/device-specs.ts';
import { VimSession } from '../../agents/configuration-server/hypervisors/vsphere/vim/session.ts';
import { SoapTransport } from '../../agents/configuration-server/hypervisors/vsphere/vim/soap-transport.ts';
import { VmAccess } from '../../agents/configuration-server/hypervisors/vsphere/vm-access.ts';
import { proofOf } from '../../agents/runtime/enrolment.ts';
import { createLogger } from '../../agents/runtime/logger.ts';
import { Secret } from '../../shared/domain/secret.ts';
import type { PeerBootedGuest } from '../vcenter/peer-options.ts';
import { PeerProcess } from '../vcenter/peer-process.ts';
import type { LabFolder } from './lab-folder.ts';
import type { LabSite } from './lab-site.ts';

const DATASTORE = 'datastore1';
const MASTER_TARGET = 'master-target';
const LOOK_MS = 100;

/** Where mobility agents register, and what they prove that they know. */
interface Mobility {
  readonly port: number;
  readonly passphrase: string;
}

/** Of a Debian master target. */
const PACKAGES = ['open-vm-tools', 'lsscsi', 'sg3-utils', 'lvm2'];

/**
 * The vCenter for tests, whose VMs QEMU boots. It runs the configuration server's vSphere driver as a real one would;
 * what a real site has besides is played here: the machine of the master target, which is prepared and shows disks that
 * were hot-added to its VM, and the mobility agents in the guests. Its VMs are gone when it stops.
 */
export class VcenterSite implements LabSite {
  readonly peer: PeerProcess;
  readonly hypervisor: object;
  readonly masterTargetEnvironment: Readonly<Record<string, string>>;
  readonly failover: object;
  readonly datastore = DATASTORE;
  readonly #datastore: string;
  /** `dev/disk/by-id` of the master target. */
  readonly #devices: string;
  readonly #looking: NodeJS.Timeout;
  readonly #stopping = new AbortController();
  /** The mobility agents in the guests. */
  #agents: Promise<void> = Promise.resolve();

  private constructor(peer: PeerProcess, folder: LabFolder, vcenterId: string) {
    this.peer = peer;
    this.failover = { vcenterId, vmwareTools: 'running' };
    this.#datastore = folder.path('site', DATASTORE);
    const root = folder.path('site', 'master-target-root');
    this.#devices = join(root, 'dev/disk/by-id');
    mkdirSync(this.#devices, { recursive: true });
    prepareMasterTarget(root, folder.path('site', 'retention'));
    const { url, user, password, thumbprints } = peer.ready;
    const passwordFile = folder.path('site', 'vcenter-password');
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    this.masterTargetEnvironment = { FAILBACK_HOST_ROOT: root };
    this.hypervisor = {
      kind: 'vsphere',
      url,
      thumbprint: thumbprints.sha256,
      username: user,
      passwordFile,
      datastore: DATASTORE,
      masterTarget: MASTER_TARGET,
      networks: { Production: 'VM Network' },
    };
    this.#looking = setInterval(() => this.#showDevices(), LOOK_MS);
  }

  /** Needs what `missingForVcenterPeer` and `chooseBoot` look for. */
  static async start(appRoot: string, folder: LabFolder): Promise<VcenterSite> {
    folder.folder('site');
    const path = folder.path('site', DATASTORE);
    const datastore = { name: DATASTORE, folder: path, type: 'VMFS' } as const;
    const peer = await PeerProcess.start(appRoot, {
      qemu: true,
      hostsPerCluster: 1,
      datastores: [datastore],
    });
    const master = { prefix: MASTER_TARGET, datastore: DATASTORE, count: 1, disks: 1, diskMb: 1 };
    await peer.control('inventory', { ...master, isOn: true });
    return new VcenterSite(peer, folder, await configureMasterTarget(peer));
  }

  diskFile(vmName: string, diskId: string): string {
    return join(this.#datastore, vmName, `${diskId}-flat.vmdk`);
  }

  liveWith(mobility: Mobility): void {
    this.#agents = this.#registerGuests(mobility);
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking);
    this.#stopping.abort();
    await this.#agents;
    await this.peer.stop();
  }

  /**
   * Each guest once for each of its boots, and once its tools run: an agent that only saw the console would now and
   * then be there before the tools are, and which of the two says that a machine booted would be a matter of luck.
   */
  async #registerGuests(mobility: Mobility): Promise<void> {
    const { signal } = this.#stopping;
    const registered = new Map<string, string>();
    while (!signal.aborted) {
      // A configuration server that is not there yet, or starts anew, is asked again.
      await this.#registerNew(mobility, registered).catch(() => undefined);
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #registerNew(mobility: Mobility, registered: Map<string, string>): Promise<void> {
    const booted = (await this.peer.control('booted', {})) as readonly PeerBootedGuest[];
    for (const { vm, biosUuid, bootedAt } of booted) {
      if (registered.get(vm) === bootedAt) continue;
      await register(mobility, uuidInGuest(biosUuid) ?? '', vm);
      registered.set(vm, bootedAt);
    }
  }

  /** As udev does for the disks of the VM that the master target runs in. */
  #showDevices(): void {
    const vm = readVmx(join(this.#datastore, MASTER_TARGET, `${MASTER_TARGET}.vmx`));
    if (vm === null) return;
    const wanted = new Map<string, string>();
    for (const [key, file] of vm) {
      const disk = key.endsWith('.fileName') ? this.#readDisk(file) : null;
      if (disk !== null) wanted.set(`wwn-0x${disk.uuid}`, disk.dataFile);
    }
    const shown = readdirSync(this.#devices);
    for (const name of shown) {
      const path = join(this.#devices, name);
      if (wanted.get(name) !== readlinkSync(path)) rmSync(path);
      else wanted.delete(name);
    }
    for (const [name, dataFile] of wanted) symlinkSync(dataFile, join(this.#devices, name));
  }

  #readDisk(datastorePath: string): { uuid: string; dataFile: string } | null {
    const descriptor = join(this.#datastore, datastorePath.replace(/^\[[^\]]*\] */, ''));
    const text = readText(descriptor);
    const uuid = /^ddb\.uuid = "([^"]*)"/m.exec(text)?.[1]?.replaceAll(/[^0-9a-f]/gi, '');
    const extent = /^RW \d+ VMFS "([^"]*)"/m.exec(text)?.[1];
    if (uuid === undefined || extent === undefined) return null;
    return { uuid: uuid.toLowerCase(), dataFile: join(dirname(descriptor), extent) };
  }
}

async function register(mobility: Mobility, vmId: string, hostName: string): Promise<void> {
  const proof = proofOf(new Secret(mobility.passphrase), 'mobility', vmId);
  const response = await fetch(`http://127.0.0.1:${mobility.port}/mobility/register`, {
    method: 'POST',
    body: JSON.stringify({ vmId, hostName, version: '0.1.0', proof }),
  });
  if (!response.ok) throw new Error(`the configuration server answered ${response.status}`);
}

/** Its VM shows disks by UUID, and its tools run; gives the id of the vCenter. */
async function configureMasterTarget({ ready }: PeerProcess): Promise<string> {
  const { url, user: username, password, thumbprints } = ready;
  const session = new VimSession({
    transport: new SoapTransport({ url, thumbprint: thumbprints.sha256 }),
    username,
    password: new Secret(password),
    log: createLogger('error'),
  });
  try {
    const vms = new VmAccess(session);
    const vm = await vms.findNamed(MASTER_TARGET);
    if (vm === null) throw new Error('The vCenter has no VM of the master target.');
    await vms.reconfigure(vm, {
      extraConfig: [
        setting('disk.EnableUUID', 'TRUE'),
        // How the simulator is told what a guest shows.
        setting('SET.guest.toolsRunningStatus', 'guestToolsRunning'),
      ],
    });
    return (await session.content()).about.instanceUuid ?? '';
  } finally {
    await session.close();
  }
}

/** What prepare-linux.sh leaves on a machine, and what it looks at to see that. */
function prepareMasterTarget(root: string, retentionFolder: string): void {
  const installed = PACKAGES.map((name) =>
    [
      `Package: ${name}`,
      'Status: install ok installed',
      'Architecture: all',
      'Maintainer: the lab <lab@invalid>',
      'Version: 1',
      'Description: stands in for the package\n',
    ].join('\n'),
  );
  const files = {
    'var/lib/dpkg/status': installed.join('\n'),
    'var/lib/azure-failback/changes-made-in-boot': 'the boot before\n',
    'proc/sys/kernel/random/boot_id': 'this boot\n',
    'sys/block/sda/device/wwid': 'naa.6000c290000000000000000000000000\n',
    'proc/mounts': `/dev/sdz ${retentionFolder} ext4 rw 0 0\n`,
    'etc/lvm/lvmlocal.conf': '# azure-failback: custom changes of the master target\n',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

/** The lines of a .vmx file; `null` where there is none. */
function readVmx(file: string): ReadonlyMap<string, string> | null {
  const lines = [...readText(file).matchAll(/^(\S+) = "(.*)"$/gm)];
  return lines.length === 0
    ? null
    : new Map(lines.map(([, key = '', value = '']) => [key, value] as const));
}

/** Empty for what is not there, or goes away in this moment. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
