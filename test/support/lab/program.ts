import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { waitFor } from './wait.ts';

/** Programs are run as they were built, by the Node.js that runs the tests. */
export const APP_ROOT = process.cwd();

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One of our built programs as a process of its own. */
export class Program {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #stdout = '';
  #stderr = '';

  constructor(program: string, args: readonly string[], options: { readonly cwd?: string } = {}) {
    this.#process = spawn(process.execPath, [resolve(APP_ROOT, program), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: options.cwd ?? APP_ROOT,
    });
    this.#process.stdout?.on('data', (data: Buffer) => (this.#stdout += data.toString('utf8')));
    this.#process.stderr?.on('data', (data: Buffer) => (this.#stderr += data.toString('utf8')));
    this.#ended = once(this.#process, 'close').then(() => undefined);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** First match on standard output; throws with everything the program said when it ends before. */
  async says(pattern: RegExp, deadlineMs = 200_000): Promise<RegExpExecArray> {
    const look = (): RegExpExecArray | null => {
      const match = pattern.exec(this.#stdout);
      if (match === null && this.#hasEnded) {
        throw new Error(`The program ended without saying ${pattern}. ${this.#everything()}`);
      }
      return match;
    };
    const lastSeen = (): string => this.#everything();
    return waitFor(`a program to say ${pattern}`, look, { deadlineMs, lastSeen });
  }

  async ended(deadlineMs = 200_000): Promise<Ended> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), deadlineMs);
    await this.#ended;
    clearTimeout(timer);
    return { code: this.#process.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Ctrl-C, then the end. */
  async interrupt(): Promise<Ended> {
    this.signal('SIGINT');
    return this.ended();
  }

  /** For cleaning up: in order first, by force when that takes too long. */
  async dispose(): Promise<void> {
    if (this.#hasEnded) return;
    this.signal('SIGTERM');
    await this.ended(20_000);
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  #everything(): string {
    return `It said: ${this.#stdout.slice(-2000)}\n${this.#stderr.slice(-2000)}`;
  }
}

/** Runs a program that should end by itself. */
export async function run(program: string, args: readonly string[]): Promise<Ended> {
  return new Program(program, args).ended(60_000);
}

/** Processes whose command line names the folder: what a lab started and has not stopped. */
export function processesOf(folder: string): readonly string[] {
  const isOfLab = (pid: string): boolean => commandLine(pid).includes(folder);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isOfLab(name))
    .map((pid) => `${pid} ${commandLine(pid)}`);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
