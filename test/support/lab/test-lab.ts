import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BootChoice, chooseBoot } from '../../../local/lab/boot-choice.ts';
import { Child } from '../../../local/lab/child.ts';
import { LabFolder } from '../../../local/lab/lab-folder.ts';
import { sampleVm, seedSampleVm } from '../../../local/lab/sample-vm.ts';
import { Lab } from '../../../local/lab/start-lab.ts';
import { VcenterSite } from '../../../local/lab/vcenter-site.ts';
import { type Digests, azureDigests, bootedDigests, labStorage, type LabStorage } from './disks.ts';
import { MachineWatch } from './one-machine.ts';
import { Portal } from './portal.ts';
import { APP_ROOT } from './program.ts';

/** Azurite keeps its accounts in the environment of the process: labs side by side share one key. */
const STORAGE_KEY = Buffer.from('the storage key of all labs here').toString('base64');
const READY = /^agent .* ready$/;

interface AgentView {
  readonly kind: string;
  readonly address: { readonly port: number } | null;
}

type AgentName = 'master-target' | 'configuration-server';

/** A lab in this process, so that a test sees its Azure and can kill its programs. */
export class TestLab {
  readonly lab: Lab;
  readonly portal: Portal;
  readonly boot: BootChoice;
  readonly #folder: string;
  readonly #site: VcenterSite | null;
  readonly #watches: MachineWatch[] = [];
  /** Programs that were started again by us. */
  readonly #restarted: Child[] = [];

  private constructor(lab: Lab, folder: string, boot: BootChoice, site: VcenterSite | null) {
    this.lab = lab;
    this.#site = site;
    this.#folder = folder;
    this.boot = boot;
    this.portal = new Portal(lab.url, lab.functionKey);
  }

  static async start({ isBootSimulated = true, isVcenter = false } = {}): Promise<TestLab> {
    const folder = mkdtempSync(join(tmpdir(), 'lab-e2e-'));
    const labFolder = new LabFolder(join(folder, 'lab'));
    const secrets = {
      storageKey: STORAGE_KEY,
      registrationToken: `registration-token-of-${folder}`,
      passphrase: `passphrase-of-${folder}`,
    };
    writeFileSync(labFolder.path('secrets.json'), JSON.stringify(secrets), { mode: 0o600 });
    const boot = chooseBoot(join(APP_ROOT, '.lab', 'boot-image'), isBootSimulated);
    const site = isVcenter ? await VcenterSite.start(APP_ROOT, labFolder) : null;
    const lab = await Lab.start({
      folder: labFolder,
      appRoot: APP_ROOT,
      port: 0,
      boot: boot.mode,
      agentDelaySeconds: 1,
      ...(site === null ? {} : { site }),
    });
    return new TestLab(lab, folder, boot, site);
  }

  get folder(): string {
    return this.lab.options.folder.root;
  }

  /** Of a lab that was started with one. */
  get vcenter(): VcenterSite {
    if (this.#site === null) throw new Error('This lab has no vCenter.');
    return this.#site;
  }

  get storage(): LabStorage {
    const { azurite } = this.lab;
    return labStorage((account) => azurite.blobUrl(account), STORAGE_KEY);
  }

  /** The sample VM runs in Azure and is taken under care. From now on it is watched. */
  async seed(vmName: string): Promise<MachineWatch> {
    await seedSampleVm(this.lab, sampleVm(vmName), this.boot.buildOsDisk);
    const watch = new MachineWatch(() => this.lab.arm.state, this.folder, vmName);
    this.#watches.push(watch);
    return watch;
  }

  async azureDigests(vmName: string): Promise<Digests> {
    return azureDigests(this.storage, this.lab.arm.state, vmName);
  }

  async bootedDigests(vmName: string): Promise<Digests> {
    return bootedDigests(this.folder, vmName);
  }

  /** Starts a timer's function as the host's own administration does; gives the status. */
  async runTimer(functionName: string): Promise<number> {
    const keys = JSON.parse(readFileSync(join(this.folder, 'host', 'keys.json'), 'utf8')) as {
      master: string;
    };
    const response = await fetch(`${this.lab.url}/admin/functions/${functionName}`, {
      method: 'POST',
      headers: { 'x-functions-key': keys.master, 'content-type': 'application/json' },
      body: '{}',
    });
    return response.status;
  }

  /** As a crash: nothing is put in order. The name of a process server is that of its VM. */
  async kill(name: string): Promise<void> {
    const child = this.lab.child(name);
    if (child === undefined) throw new Error(`The lab has no program ${name}.`);
    await child.kill();
  }

  /** What an operator does with a host that died: the same command again. */
  async startHost(): Promise<void> {
    await this.lab.startHost(Number(new URL(this.lab.url).port));
  }

  async restartConfigurationServer(): Promise<void> {
    const file = join(this.folder, 'site', 'configuration-server.json');
    await this.#startAgain('configuration-server', file).ready();
  }

  /** Where process servers send to. */
  async masterTargetPort(): Promise<number> {
    const { body } = await this.portal.call<{ value: readonly AgentView[] }>('GET', 'agents');
    const port = body.value.find(({ kind }) => kind === 'masterTarget')?.address?.port;
    if (port === undefined) throw new Error(`No master target: ${JSON.stringify(body)}`);
    return port;
  }

  /** On a site it has a port of its own, 9443; here it gets the one back that it had. */
  async restartMasterTarget(port: number): Promise<void> {
    const file = join(this.folder, 'site', 'master-target.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    const changed = { ...config, listen: { host: '127.0.0.1', port } };
    writeFileSync(file, JSON.stringify(changed), { mode: 0o600 });
    await this.#startAgain('master-target', file).ready();
  }

  /** As systemd does on a deployed process server. */
  async restartProcessServer(vmName: string): Promise<void> {
    const root = join(this.folder, 'arm', 'vms', vmName, 'rootfs');
    await this.#startAgain(
      'process-server',
      join(root, 'etc/azure-failback/process-server.json'),
    ).ready();
  }

  /** Stops everything and leaves nothing behind. */
  async stop(): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    try {
      await Promise.all(this.#restarted.map((child) => child.stop()));
      await this.lab.stop();
    } finally {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  #startAgain(name: AgentName | 'process-server', config: string): Child {
    const child = new Child(join(APP_ROOT, 'dist'), {
      name,
      program: `agents/${name}/main.js`,
      args: ['--config', config],
      logFile: join(this.folder, 'logs', `${name}-again.log`),
      readyLine: READY,
    });
    this.#restarted.push(child);
    return child;
  }
}
