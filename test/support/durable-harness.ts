import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import * as df from 'durable-functions';
import * as core from '../../local/functions-host/core-module.ts';
import { DurableEngine } from '../../local/functions-host/durable/engine.ts';
import {
  DurableManagement,
  type InstanceStatus,
} from '../../local/functions-host/durable/management.ts';
import { DurableStore } from '../../local/functions-host/durable/store.ts';
import { installTaskCapture } from '../../local/functions-host/durable/task-capture.ts';
import { Invoker } from '../../local/functions-host/invoke.ts';
import { VirtualClock } from '../../local/functions-host/support/clock.ts';
import { createLogger, silentLogger } from '../../local/functions-host/support/logger.ts';
import { countingRandom } from '../../local/functions-host/support/random.ts';
import { must } from './must.ts';

type Activity = (input: never) => unknown;

interface HarnessOptions {
  readonly orchestrations: Readonly<Record<string, df.OrchestrationHandler>>;
  readonly activities: Readonly<Record<string, Activity>>;
  readonly startAt?: string;
}

/** A private path of the SDK, without types: the capture describes what it uses of it. */
const executorModule = jest.requireActual(
  'durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor',
);

const registered = new Map<string, Activity>();
const generators = new Map<string, df.OrchestrationHandler>();

/** The durable engine in this process with a clock that stands still. One test file, one app. */
export class DurableHarness {
  readonly clock: VirtualClock;
  readonly #folder = mkdtempSync(join(tmpdir(), 'durable-'));
  readonly #invoker: Invoker;
  #store: DurableStore;
  #engine!: DurableEngine;
  management!: DurableManagement;
  /** Transactions committed since the harness was made, over all restarts. */
  commits = 0;
  #isDisposed = false;
  #crashAfter = Number.POSITIVE_INFINITY;

  constructor({ orchestrations, activities, startAt = '2026-11-01T00:00:00Z' }: HarnessOptions) {
    this.clock = new VirtualClock(new Date(startAt));
    installTaskCapture(executorModule);
    for (const [name, activity] of Object.entries(activities)) registerActivity(name, activity);
    for (const [name, generator] of Object.entries(orchestrations)) {
      registerOrchestration(name, generator);
    }
    const logger = process.env['HARNESS_LOG'] === undefined ? silentLogger : createLogger('debug');
    this.#invoker = new Invoker(core.registeredApp(), countingRandom(), logger);
    this.#store = this.#boot();
  }

  start(name: string, id: string, input: unknown): void {
    this.management.start(name, id, JSON.stringify(input ?? null));
  }

  raiseEvent(id: string, name: string, input: unknown = null): void {
    this.management.raiseEvent(id, name, JSON.stringify(input));
  }

  status(id: string): InstanceStatus {
    const status = this.management.status(id, true);
    if (status === null) throw new Error(`no instance ${id}`);
    return status;
  }

  /** What has happened to the instance in its newest execution. */
  history(id: string): NonNullable<InstanceStatus['historyEvents']> {
    return must(this.status(id).historyEvents, `the history of ${id}`);
  }

  /** The host dies after that many more commits; `restart` brings it back. */
  crashAfter(commits: number): void {
    this.#crashAfter = this.commits + commits;
  }

  get isCrashed(): boolean {
    return this.commits >= this.#crashAfter;
  }

  async restart(): Promise<void> {
    await this.#engine.idle();
    this.#store.close();
    this.#crashAfter = Number.POSITIVE_INFINITY;
    this.#store = this.#boot();
  }

  /** Runs what can run without time passing. */
  async settle(): Promise<void> {
    await this.#engine.idle();
  }

  /** Lets time pass, timer by timer. Stops early when the host crashed or `until` holds. */
  async advanceBy(milliseconds: number, until: () => boolean = () => false): Promise<void> {
    const limit = new Date(this.clock.now().getTime() + milliseconds);
    const settle = async (): Promise<void> => this.settle();
    await this.clock.advanceTo(limit, settle, () => this.isCrashed || until());
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#engine.kill();
    this.#store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #boot(): DurableStore {
    const store = new DurableStore(join(this.#folder, 'durable.sqlite'));
    const engine = new DurableEngine({
      invoker: this.#invoker,
      store,
      clock: this.clock,
      random: countingRandom(),
      logger: silentLogger,
      clientBinding: () => '{}',
      maxConcurrentActivities: 10,
    });
    store.afterCommit = () => {
      this.commits += 1;
      if (this.isCrashed) engine.kill();
    };
    this.#engine = engine;
    this.management = new DurableManagement({
      engine,
      store,
      random: countingRandom(),
      hasOrchestrator: isRegistered,
    });
    engine.start();
    return store;
  }
}

/** The SDK's registry is global and write-once; tests of one file may still differ in their activities. */
function registerActivity(name: string, activity: Activity): void {
  registered.set(name, activity);
  if (isRegistered(name)) return;
  df.app.activity(name, {
    handler: (input: unknown) => registered.get(name)?.(input as never),
  });
}

/** As for activities: a later harness of the file may bring another generator under the same name. */
export function registerOrchestration(name: string, generator: df.OrchestrationHandler): void {
  generators.set(name, generator);
  if (isRegistered(name)) return;
  df.app.orchestration(name, (context) => {
    const current = generators.get(name);
    if (current === undefined) throw new Error(`no orchestration ${name}`);
    return current(context);
  });
}

function isRegistered(name: string): boolean {
  try {
    return core.registeredApp().functions.has(name);
  } catch {
    return false;
  }
}
