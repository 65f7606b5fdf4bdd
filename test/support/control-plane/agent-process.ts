import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ControlPlane, REGISTRATION_TOKEN } from './control-plane.ts';
import { untilTrue } from './until.ts';

const ROOT = resolve(import.meta.dirname ?? __dirname, '../../..');
/** Types are stripped without a flag only from Node 22.18 on. */
const FLAGS = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];
const READY = /^agent \S+ \S+ ready$/m;

export const PASSPHRASE = 'a passphrase of the tests';

export interface AgentSettings {
  /** Below the repository. */
  readonly program: string;
  readonly folder: string;
  readonly name: string;
  readonly controlPlane: ControlPlane;
  readonly config?: object;
  readonly environment?: Readonly<Record<string, string>>;
}

interface Launch {
  readonly command: string;
  readonly parameters: readonly string[];
  /** All of it. */
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
}

/** An agent as a process of its own, with a configuration file in a folder of its own. */
export class AgentProcess {
  static readonly #all = new Set<AgentProcess>();
  /** Code or signal the process ended with. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #process: ChildProcess;
  #output = '';
  #hasEnded = false;

  private constructor(child: ChildProcess) {
    this.#process = child;
    child.stdout?.on('data', (chunk) => (this.#output += String(chunk)));
    child.stderr?.on('data', (chunk) => (this.#output += String(chunk)));
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      AgentProcess.#all.delete(this);
      return (code ?? signal) as number | NodeJS.Signals;
    });
    AgentProcess.#all.add(this);
  }

  static start(settings: AgentSettings): AgentProcess {
    const { program, folder, name, controlPlane, config = {}, environment = {} } = settings;
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${name}.json`);
    const complete = {
      name,
      controlPlaneUrl: controlPlane.url,
      registrationToken: REGISTRATION_TOKEN,
      passphrase: PASSPHRASE,
      dataFolder: `data-${name}`,
      logLevel: 'debug',
      heartbeatSeconds: 0.2,
      ...config,
    };
    writeFileSync(file, JSON.stringify(complete));
    return AgentProcess.launch({
      command: process.execPath,
      parameters: [...FLAGS, join(ROOT, program), '--config', file],
      environment: { ...process.env, ...environment },
    });
  }

  /** Any command that is an agent, as the unit of a service names one. */
  static launch({ command, parameters, environment, cwd }: Launch): AgentProcess {
    const child = spawn(command, [...parameters], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment,
      cwd,
    });
    return new AgentProcess(child);
  }

  /** What it wrote to both outputs. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when it says that it is ready; throws when it ended before. */
  async ready(): Promise<this> {
    await untilTrue(`an agent is ready; it wrote: ${this.#output}`, () => {
      if (this.#hasEnded) throw new Error(`The agent ended: ${this.#output}`);
      return READY.test(this.#output);
    });
    return this;
  }

  async stop(): Promise<number | NodeJS.Signals> {
    this.#process.kill('SIGTERM');
    return this.ended;
  }

  /** As a crash: nothing is put in order. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  /** For afterEach: nothing may outlive a test, also not one that failed. */
  static async killAll(): Promise<void> {
    await Promise.all([...AgentProcess.#all].map((agent) => agent.kill()));
  }
}
