import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Gauge, type Usage } from './proc.ts';

const GAUGE_MS = 50;
const KEPT_OUTPUT = 20_000;
const STOP_MS = 10_000;

interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * It starts programs that end before anybody asks what they used, so it is looked at all the time. The peak of a
   * program that stays can be read at the end, and looking costs what is measured.
   */
  readonly endsSoon?: boolean;
}

/** A process in a group of its own: with it end all that it started. */
export class Child {
  static readonly #all = new Set<Child>();
  readonly #process: ChildProcess;
  readonly #gauge: Gauge;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #ended: Promise<unknown>;
  #output = '';
  #hasEnded = false;

  private constructor(child: ChildProcess, endsSoon: boolean) {
    this.#process = child;
    this.#gauge = new Gauge(child.pid ?? 0);
    this.#timer = endsSoon ? setInterval(() => this.#gauge.look(), GAUGE_MS) : undefined;
    const keep = (chunk: unknown): void => {
      this.#output = (this.#output + String(chunk)).slice(-KEPT_OUTPUT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.stdin?.on('error', () => undefined);
    // Also when it could not be started at all.
    const failed = once(child, 'error').then(([error]) => keep(error));
    this.#ended = Promise.race([once(child, 'close'), failed]).finally(() => {
      this.#hasEnded = true;
      clearInterval(this.#timer);
      Child.#all.delete(this);
    });
    // Whoever waits for it learns it; nobody else has to.
    this.#ended.catch(() => undefined);
    Child.#all.add(this);
  }

  static start({ command, args, environment = {}, endsSoon = false }: ChildOptions): Child {
    const child = spawn(command, [...args], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    return new Child(child, endsSoon);
  }

  /** Ends everything that was started; for failures and Ctrl-C. */
  static async stopAll(): Promise<void> {
    await Promise.all([...Child.#all].map((child) => child.stop()));
  }

  /** The end of what it wrote to both outputs. */
  get output(): string {
    return this.#output;
  }

  /** What it and its descendants have used up to now. */
  usage(): Usage {
    this.#gauge.look();
    return this.#gauge.usage();
  }

  /** Waits for a line; returns its groups. Throws when the process ends before. */
  async says(line: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = line.exec(this.#output);
      if (match !== null) return match;
      if (this.#hasEnded) throw new Error(`A process ended too early; it wrote: ${this.#output}`);
      await delay(2);
    }
  }

  /** SIGTERM to the process, then SIGKILL to what is left of its group. */
  async stop(): Promise<void> {
    this.#process.stdin?.end();
    if (!this.#hasEnded) this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#killGroup(), STOP_MS);
    await this.#ended.catch(() => undefined);
    clearTimeout(timer);
    this.#killGroup();
  }

  #killGroup(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The group is empty.
    }
  }
}
