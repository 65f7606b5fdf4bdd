import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { vcenterPeerProgram } from './build-peer.ts';
import type { PeerReady, VcenterPeerOptions } from './peer-options.ts';

/** A running vCenter for tests (test/peers/vcenter/README.md). */
export class PeerProcess {
  readonly ready: PeerReady;
  /** What it wrote to standard error. */
  readonly log: readonly string[];
  readonly #process: ChildProcess;

  private constructor(ready: PeerReady, log: readonly string[], child: ChildProcess) {
    this.ready = ready;
    this.log = log;
    this.#process = child;
  }

  /** Builds the program when that is needed, starts it and waits until it answers. */
  static async start(appRoot: string, options: VcenterPeerOptions): Promise<PeerProcess> {
    const program = await vcenterPeerProgram(appRoot);
    // The peer ends when its standard input closes, so it never outlives us; a Ctrl-C in the terminal is for us alone.
    const child = spawn(program, parametersOf(options), {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const log: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => log.push(text));
    const lines = createInterface({ input: child.stdout });
    const line = await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      child.once('error', reject);
      child.once('exit', (code) => {
        reject(new Error(`The vCenter peer ended with ${code}: ${log.join('')}`));
      });
    });
    return new PeerProcess(JSON.parse(line) as PeerReady, log, child);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.stdin?.end();
    await ended;
  }

  /** One of the calls of its control port. */
  async control(name: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${this.ready.control}/${name}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`The vCenter peer: ${await response.text()}`);
    return response.json();
  }
}

function parametersOf(options: VcenterPeerOptions): string[] {
  const values = {
    mode: options.mode,
    version: options.version,
    licence: options.licence,
    clusters: options.clusters,
    hosts: options.hostsPerCluster,
    standalone: options.standaloneHosts,
    marker: options.marker,
  };
  const parameters = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `-${name}=${value}`);
  if (options.qemu === true) parameters.push('-qemu');
  for (const { name, folder, type } of options.datastores ?? []) {
    parameters.push(`-datastore=${name}=${folder},${type}`);
  }
  return parameters;
}
