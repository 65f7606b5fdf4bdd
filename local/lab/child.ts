import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const STOP_GRACE_MS = 8000;

export interface ChildOptions {
  readonly name: string;
  /** Below the build folder. */
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** The line on standard output after which the program is ready. */
  readonly readyLine: RegExp;
}

/** The last thing a program said. */
function lastLineOf(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.findLast((line) => line.trim() !== '')?.trim() ?? 'it said nothing';
}

/** A program of ours as a process of its own; its error output goes to a log file. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #gone: Promise<void>;

  constructor(buildFolder: string, options: ChildOptions) {
    this.name = options.name;
    const log = openSync(options.logFile, 'a');
    const child = spawn(process.execPath, [join(buildFolder, options.program), ...options.args], {
      stdio: ['ignore', 'pipe', log],
      env: { ...process.env, ...options.environment },
      // A group of its own: Ctrl-C in the terminal reaches the lab alone, which stops things in order.
      detached: true,
    });
    closeSync(log);
    this.#process = child;
    this.#gone = new Promise((resolve) => child.once('exit', () => resolve()));
    this.#ready = new Promise((resolve, reject) => {
      if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on('line', (line) => {
          if (options.readyLine.test(line)) resolve();
        });
      }
      child.once('error', reject);
      child.once('exit', (code) => {
        const reason = lastLineOf(options.logFile);
        reject(
          new Error(`${options.name} ended with code ${code}: ${reason} (${options.logFile})`),
        );
      });
    });
    // Whoever does not wait for readiness must not crash because of it.
    this.#ready.catch(() => undefined);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async ready(): Promise<void> {
    return this.#ready;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_GRACE_MS);
    await this.#gone;
    clearTimeout(timer);
  }

  /** As a crash: nothing is put in order. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone;
  }
}
