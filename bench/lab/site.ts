import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CertificateAuthority } from '../../agents/configuration-server/certificate-authority.ts';
import type { AgentKind, DataAccess } from '../../shared/contracts/agent-protocol.ts';
import {
  type CommandInput,
  type CommandName,
  type CommandOutput,
  COMMANDS,
} from '../../shared/contracts/commands.ts';
import { Secret } from '../../shared/domain/secret.ts';
import { success } from '../../shared/errors/result.ts';
import {
  ControlPlane,
  REGISTRATION_TOKEN,
} from '../../test/support/control-plane/control-plane.ts';
import { startWorker, type Worker } from '../../test/support/control-plane/worker.ts';
import { AgentFront } from './agent-front.ts';
import { Child } from './child.ts';
import type { Usage } from './proc.ts';
import { serviceEnvironment } from './service-environment.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PASSPHRASE = 'a passphrase of the benchmark';
const LOOK_MS = 10;
const DEADLINE_MS = 6 * 3_600_000;
/** For profiles of the agents; the files are written to the folder named here. */
const PROFILE_VARIABLE = 'BENCH_PROFILE';

/** A command's result and how long it took. */
export interface Done<N extends CommandName> {
  readonly output: CommandOutput<N>;
  /** From sending the command to its result. */
  readonly seconds: number;
  /** The same without the time that it lay in the agent's queue. */
  readonly workSeconds: number;
}

interface Agent {
  readonly child: Child;
  readonly agentId: string;
}

/** The control plane of the benchmark: the product's agent API, queues and a signing authority. */
export class BenchControlPlane {
  readonly plane: ControlPlane;
  readonly front: AgentFront;
  readonly #signer: Worker;
  readonly #folder: string;
  #sites = 0;

  private constructor(parts: {
    readonly plane: ControlPlane;
    readonly front: AgentFront;
    readonly signer: Worker;
    readonly folder: string;
  }) {
    this.plane = parts.plane;
    this.front = parts.front;
    this.#signer = parts.signer;
    this.#folder = parts.folder;
  }

  static async start(folder: string): Promise<BenchControlPlane> {
    const plane = await ControlPlane.start();
    const dataFolder = join(folder, 'signer');
    mkdirSync(dataFolder, { recursive: true });
    const authority = await CertificateAuthority.open(dataFolder, new Secret(PASSPHRASE));
    const signer = await startWorker({
      controlPlane: plane,
      dataFolder,
      handlers: { issueCertificate: async (input) => success(await authority.issue(input)) },
      name: 'signer',
    });
    const front = await AgentFront.start(plane.url);
    return new BenchControlPlane({ plane, front, signer, folder });
  }

  /** A process server and a master target, just started, in a folder of their own. */
  async startSite(): Promise<BenchSite> {
    this.#sites += 1;
    const folder = join(this.#folder, `site-${this.#sites}`);
    return BenchSite.start(this, folder, `s${this.#sites}`);
  }

  async stop(): Promise<void> {
    await this.#signer.stop();
    await this.front.stop();
    await this.plane.stop();
  }
}

/** The two programs that are measured, as they are run in production. */
export class BenchSite {
  readonly folder: string;
  readonly #control: BenchControlPlane;
  readonly #processServer: Agent;
  readonly #masterTarget: Agent;
  /** The master target's own port; a link may stand before it. */
  readonly port: number;
  static #commands = 0;

  private constructor(parts: {
    readonly control: BenchControlPlane;
    readonly folder: string;
    readonly processServer: Agent;
    readonly masterTarget: Agent;
    readonly port: number;
  }) {
    this.folder = parts.folder;
    this.#control = parts.control;
    this.#processServer = parts.processServer;
    this.#masterTarget = parts.masterTarget;
    this.port = parts.port;
  }

  static async start(
    control: BenchControlPlane,
    folder: string,
    prefix: string,
  ): Promise<BenchSite> {
    mkdirSync(folder, { recursive: true });
    const start = (kind: AgentKind, program: string, extra: object): Promise<Agent> =>
      startAgent({ control, folder, name: `${prefix}-${program}`, kind, program, extra });
    const [masterTarget, processServer] = await Promise.all([
      start('masterTarget', 'master-target', {
        listen: { host: '127.0.0.1', port: 0 },
        retentionFolder: 'retention',
      }),
      start('processServer', 'process-server', {}),
    ]);
    const record = await control.plane.stores.agents.get(masterTarget.agentId);
    const port = record?.value.address?.port;
    if (port === undefined) throw new Error('The master target did not say where it listens.');
    return new BenchSite({ control, folder, masterTarget, processServer, port });
  }

  async processServer(
    input: CommandInput<'replicateDisk'>,
    access: () => Promise<DataAccess>,
  ): Promise<Done<'replicateDisk'>> {
    return this.#run(this.#processServer, 'replicateDisk', input, access);
  }

  async masterTarget<N extends CommandName>(name: N, input: CommandInput<N>): Promise<Done<N>> {
    return this.#run(this.#masterTarget, name, input);
  }

  usage(): { readonly processServer: Usage; readonly masterTarget: Usage } {
    return {
      processServer: this.#processServer.child.usage(),
      masterTarget: this.#masterTarget.child.usage(),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#processServer.child.stop(), this.#masterTarget.child.stop()]);
  }

  async #run<N extends CommandName>(
    { agentId, child }: Agent,
    name: N,
    input: CommandInput<N>,
    access?: () => Promise<DataAccess>,
  ): Promise<Done<N>> {
    const { plane, front } = this.#control;
    BenchSite.#commands += 1;
    const commandId = `bench.${name}-${BenchSite.#commands}`;
    if (access !== undefined) front.grant(commandId, access);
    const startedAt = performance.now();
    const deadlineAt = new Date(Date.now() + DEADLINE_MS).toISOString();
    await plane.give({ agentId, name, input, commandId, deadlineAt });
    for (;;) {
      const { result } = await plane.command(commandId);
      if (result === null) {
        await delay(LOOK_MS);
        continue;
      }
      const endedAt = performance.now();
      if (!result.ok) {
        throw new Error(`${name} failed: ${JSON.stringify(result.error)}\n${child.output}`);
      }
      const seconds = (endedAt - startedAt) / 1000;
      const workSeconds = (endedAt - (front.fetchedAtMs(commandId) ?? startedAt)) / 1000;
      // The schema is that of the same name.
      const output = COMMANDS[name].output.parse(result.value) as CommandOutput<N>;
      return { output, seconds, workSeconds };
    }
  }
}

async function startAgent(request: {
  readonly control: BenchControlPlane;
  readonly folder: string;
  readonly name: string;
  readonly kind: AgentKind;
  readonly program: string;
  readonly extra: object;
}): Promise<Agent> {
  const { control, folder, name, kind, program, extra } = request;
  const file = join(folder, `${name}.json`);
  const config = {
    name,
    controlPlaneUrl: control.front.url,
    registrationToken: REGISTRATION_TOKEN,
    passphrase: PASSPHRASE,
    dataFolder: `data-${name}`,
    ...extra,
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  const profiles = process.env[PROFILE_VARIABLE];
  const flags = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const main = join(ROOT, 'dist/agents', program, 'main.js');
  const child = Child.start({
    command: process.execPath,
    args: [...flags, main, '--config', file],
    environment: serviceEnvironment(),
  });
  await child.says(/^agent \S+ \S+ ready$/m);
  const agents = await control.plane.stores.agents.list();
  const agentId = agents.find((agent) => agent.kind === kind && agent.name === name)?.id;
  if (agentId === undefined) throw new Error(`${name} did not register.`);
  return { child, agentId };
}
