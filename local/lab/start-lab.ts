import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Arm, startArm } from '../arm/start-arm.ts';
import type { ApplianceRequest } from '../arm/context.ts';
import { type Azurite, startAzurite } from '../azurite/start-azurite.ts';
import { createLabCertificates } from '../tls/create-certificate.ts';
import { loadKeys } from '../functions-host/http/keys.ts';
import { LabApi } from './api.ts';
import { Child } from './child.ts';
import { type LabFolder, type LabSecrets } from './lab-folder.ts';
import type { LabSite } from './lab-site.ts';

export const SUBSCRIPTION = '00000000-0000-4000-8000-000000000001';
const STORAGE_ACCOUNT = 'failback';
const DISK_ACCOUNT = 'labdisks';
/** The resource that the Function App takes itself for. */
const FUNCTION_APP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/lab/providers/Microsoft.Web/sites/failback`;
/** One for each role, besides the one that every Function App has. */
const HOST_KEYS = ['default', 'reader', 'operator', 'committer'] as const;
const HEARTBEAT_SECONDS = 2;

export interface LabOptions {
  readonly folder: LabFolder;
  /** Root of the app: package.json, host.json, dist/. */
  readonly appRoot: string;
  /** Of the Functions host; 0 = any free port. */
  readonly port: number;
  readonly boot: 'qemu' | 'simulated';
  readonly agentDelaySeconds: number | null;
  /** Instead of folders with the `local` hypervisor. The lab stops it. */
  readonly site?: LabSite;
}

/** Azure, the Function App and one site, all on this machine. */
export class Lab {
  readonly options: LabOptions;
  readonly azurite: Azurite;
  readonly arm: Arm;
  readonly #children = new Map<string, Child>();
  readonly #secrets: LabSecrets;
  #url = '';

  private constructor(
    options: LabOptions,
    parts: { readonly azurite: Azurite; readonly arm: Arm; readonly secrets: LabSecrets },
  ) {
    this.options = options;
    this.azurite = parts.azurite;
    this.arm = parts.arm;
    this.#secrets = parts.secrets;
  }

  /** Starts everything; what was left by an earlier run in the same folder goes on. */
  static async start(options: LabOptions): Promise<Lab> {
    const { folder, appRoot, port } = options;
    if (!existsSync(join(appRoot, 'dist/functions/app.js'))) {
      throw new Error('The build is missing: run "npm run build" first.');
    }
    folder.lock();
    const secrets = folder.secrets();
    const azurite = await startAzurite({
      dataFolder: folder.folder('azurite'),
      ports: { blob: 0, queue: 0, table: 0 },
      accounts: [STORAGE_ACCOUNT, DISK_ACCOUNT].map((name) => ({
        name,
        keyBase64: secrets.storageKey,
      })),
      managedDiskAccounts: [DISK_ACCOUNT],
    });
    const certificates = await createLabCertificates();
    writeFileSync(folder.path('ca.pem'), certificates.caPem);
    let lab: Lab | undefined;
    const booting: ApplianceRequest[] = [];
    loadKeys(folder.folder('host'), HOST_KEYS);
    const arm = await startArm({
      functionsHostFolder: folder.path('host'),
      azurite,
      diskAccount: DISK_ACCOUNT,
      dataFolder: folder.folder('arm'),
      certificates,
      subscriptionId: SUBSCRIPTION,
      bootAppliance: async (request) => {
        // VMs that ran when the lab was stopped boot before the lab is complete.
        if (lab === undefined) booting.push(request);
        else lab.#bootAppliance(request);
        return { stop: async () => lab?.stopChild(request.vmName) };
      },
    });
    lab = new Lab(options, { azurite, arm, secrets });
    try {
      await lab.startHost(port);
      for (const request of booting) lab.#bootAppliance(request);
      await Promise.all([lab.startConfigurationServer(), lab.startMasterTarget()]);
      return lab;
    } catch (error) {
      // A start that failed half-way must not leave programs behind that hold the folder and its ports.
      await lab.stop();
      throw error;
    }
  }

  get url(): string {
    return this.#url;
  }

  get functionKey(): string {
    return this.functionKeyOf('default');
  }

  functionKeyOf(name: (typeof HOST_KEYS)[number]): string {
    const key = loadKeys(this.options.folder.path('host')).host[name];
    if (key === undefined) throw new Error(`This lab has no function key "${name}".`);
    return key;
  }

  get api(): LabApi {
    return new LabApi(this.#url, this.functionKey);
  }

  get diskAccount(): { readonly url: string; readonly name: string; readonly key: string } {
    const [name, key] = [DISK_ACCOUNT, this.#secrets.storageKey];
    return { name, key, url: this.azurite.blobUrl(name) };
  }

  async startHost(port: number): Promise<void> {
    const { folder, appRoot } = this.options;
    const chosen = port === 0 ? await folder.port('functions-host') : port;
    this.#url = `http://127.0.0.1:${chosen}`;
    await this.#spawn({
      name: 'functions-host',
      program: 'local/functions-host/main.js',
      args: ['--app', appRoot, '--data', folder.folder('host'), '--port', String(chosen)],
      environment: this.#hostSettings(),
      readyLine: /^Functions host listening/,
    }).ready();
  }

  async startConfigurationServer(): Promise<void> {
    const { folder, boot, agentDelaySeconds, site } = this.options;
    const port = await folder.port('mobility');
    site?.liveWith({ port, passphrase: this.#secrets.passphrase });
    await this.#startAgent('configuration-server', {
      mobility: { port },
      backup: { folder: folder.folder('site', 'backups') },
      hypervisor: site?.hypervisor ?? {
        kind: 'local',
        folder: folder.folder('site', 'vms'),
        boot,
        agentDelaySeconds,
        keepBootCopy: true,
      },
    });
  }

  async startMasterTarget(): Promise<void> {
    const { folder } = this.options;
    await this.#startAgent(
      'master-target',
      {
        listen: { host: '127.0.0.1', port: await folder.port('master-target') },
        retentionFolder: folder.folder('site', 'retention'),
      },
      this.options.site?.masterTargetEnvironment,
    );
  }

  child(name: string): Child | undefined {
    return this.#children.get(name);
  }

  async stopChild(name: string): Promise<void> {
    await this.#children.get(name)?.stop();
    this.#children.delete(name);
  }

  /** Agents first, so that what they still report is heard. Nothing of the lab's state is lost. */
  async stop(): Promise<void> {
    const host = this.#children.get('functions-host');
    const others = [...this.#children.values()].filter((child) => child !== host);
    await Promise.all(others.map((child) => child.stop()));
    await host?.stop();
    await this.arm.stop();
    await this.azurite.stop();
    await this.options.site?.stop();
    this.options.folder.unlock();
  }

  async #startAgent(
    name: string,
    extra: object,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { folder } = this.options;
    const file = folder.path('site', `${name}.json`);
    const config = {
      name: `lab-${name}`,
      controlPlaneUrl: this.#url,
      registrationToken: this.#secrets.registrationToken,
      passphrase: this.#secrets.passphrase,
      dataFolder: folder.folder('site', name),
      heartbeatSeconds: HEARTBEAT_SECONDS,
      ...extra,
    };
    writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
    await this.#spawn({
      name,
      program: `agents/${name}/main.js`,
      args: ['--config', file],
      environment,
      readyLine: /^agent .* ready$/,
    }).ready();
  }

  /** Paths in a VM's files are below its root folder here; the lab's heart also beats faster. */
  #bootAppliance({ vmName, rootFolder, files }: ApplianceRequest): void {
    const config = files.find((file) => file.endsWith('process-server.json'));
    if (config === undefined) return;
    const file = join(rootFolder, config);
    const seeded = JSON.parse(readFileSync(file, 'utf8')) as { dataFolder: string };
    const dataFolder = seeded.dataFolder.startsWith(rootFolder)
      ? seeded.dataFolder
      : join(rootFolder, seeded.dataFolder);
    // A VM that was deployed before the lab was stopped may know another address of the Function App.
    const controlPlaneUrl = this.#url;
    const adapted = { ...seeded, dataFolder, controlPlaneUrl, heartbeatSeconds: HEARTBEAT_SECONDS };
    writeFileSync(file, JSON.stringify(adapted, null, 2), { mode: 0o600 });
    this.#spawn({
      name: vmName,
      program: 'agents/process-server/main.js',
      args: ['--config', file],
      readyLine: /^agent .* ready$/,
    });
  }

  #spawn(options: Omit<ConstructorParameters<typeof Child>[1], 'logFile'>): Child {
    const { folder, appRoot } = this.options;
    const logFile = join(folder.folder('logs'), `${options.name}.log`);
    const child = new Child(join(appRoot, 'dist'), { ...options, logFile });
    this.#children.set(options.name, child);
    return child;
  }

  #hostSettings(): Record<string, string> {
    const storage = this.azurite.connectionString(STORAGE_ACCOUNT);
    return {
      AzureWebJobsStorage: storage,
      FUNCTIONS_WORKER_RUNTIME: 'node',
      FAILBACK_STORAGE_CONNECTION: storage,
      FAILBACK_SUBSCRIPTION_ID: SUBSCRIPTION,
      FAILBACK_ARM_ENDPOINT: this.arm.endpoint,
      FAILBACK_PUBLIC_URL: this.#url,
      FAILBACK_FUNCTION_APP_ID: FUNCTION_APP,
      FAILBACK_REGISTRATION_TOKEN: this.#secrets.registrationToken,
      FAILBACK_PASSPHRASE: this.#secrets.passphrase,
      FAILBACK_AGENT_PACKAGE_URL: 'https://packages.invalid/agents.tar.gz',
      FAILBACK_PROCESS_SERVER_SSH_KEY: 'ssh-ed25519 AAAA lab',
      FAILBACK_REHEARSAL_SCHEDULE: '0 0 3 * * 6',
      // App Service's managed identity, and the authority that signed the lab's Resource Manager.
      IDENTITY_ENDPOINT: this.arm.identityEndpoint,
      IDENTITY_HEADER: this.arm.identityHeader,
      NODE_EXTRA_CA_CERTS: this.options.folder.path('ca.pem'),
    };
  }
}
