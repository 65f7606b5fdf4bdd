import type { Random } from '../support/random.ts';
import type { DurableEngine } from './engine.ts';
import { ENDED, type HistoryEvent, type Instance, type RuntimeStatus } from './history.ts';
import { rewind } from './rewind.ts';
import type { DurableStore } from './store.ts';

/** What is asked of an instance; HTTP and tests both go through here. */
export interface InstanceStatus {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: RuntimeStatus;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly output: unknown;
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
  readonly historyEvents?: readonly HistoryEvent[];
}

export type Verdict = 'done' | 'notFound' | 'ended' | 'refused';

interface ManagementOptions {
  readonly engine: DurableEngine;
  readonly store: DurableStore;
  readonly random: Random;
  readonly hasOrchestrator: (name: string) => boolean;
  /** `overridableExistingInstanceStates` of host.json is AnyState. */
  readonly replacesRunning?: boolean;
}

/** The durable management operations. */
export class DurableManagement {
  readonly #options: ManagementOptions;

  constructor(options: ManagementOptions) {
    this.#options = options;
  }

  /** Throws when there is no such orchestrator or an instance of that id still runs. */
  start(name: string, id: string | null, input: string | null): string {
    const { engine, store, random, hasOrchestrator, replacesRunning = false } = this.#options;
    if (!hasOrchestrator(name)) throw new Error(`There is no orchestrator function "${name}".`);
    const instanceId = id ?? random.uuid().replaceAll('-', '');
    const existing = store.instance(instanceId);
    if (existing !== null && !ENDED.includes(existing.status) && !replacesRunning) {
      throw new Error(`An Orchestration instance with the ID '${instanceId}' already exists.`);
    }
    engine.create(name, instanceId, input);
    return instanceId;
  }

  status(id: string, withHistory = false): InstanceStatus | null {
    const instance = this.#options.store.instance(id);
    return instance === null ? null : this.#describe(instance, withHistory);
  }

  list(isWanted: (instance: Instance) => boolean): readonly InstanceStatus[] {
    const wanted = this.#options.store.instances().filter(isWanted);
    return wanted.map((instance) => this.#describe(instance, false));
  }

  raiseEvent(id: string, name: string, input: string): Verdict {
    return this.#onLiving(id, () => this.#options.engine.post(id, { name, input }));
  }

  terminate(id: string, reason: string): Verdict {
    return this.#onLiving(id, () => this.#options.engine.terminate(id, reason));
  }

  suspend(id: string): Verdict {
    return this.#onLiving(id, () => this.#options.engine.setStatus(id, 'Suspended'));
  }

  resume(id: string): Verdict {
    return this.#onLiving(id, (instance) => {
      if (instance.status === 'Suspended') this.#options.engine.setStatus(id, 'Running');
    });
  }

  /** Only failed instances can be rewound. */
  rewind(id: string): Verdict {
    const { engine, store } = this.#options;
    const instance = store.instance(id);
    if (instance === null) return 'notFound';
    if (instance.status !== 'Failed') return 'refused';
    const resumed = store.transaction(() => rewind(store, id));
    for (const each of resumed) engine.resume(each);
    return 'done';
  }

  restart(id: string, withNewId: boolean): string | null {
    const instance = this.#options.store.instance(id);
    if (instance === null) return null;
    return this.start(instance.name, withNewId ? null : id, instance.input);
  }

  /** Number of instances removed; those that still run stay. */
  purge(isWanted: (instance: Instance) => boolean): number {
    const { store } = this.#options;
    const ended = store.instances().filter(({ status }) => ENDED.includes(status));
    const wanted = ended.filter(isWanted);
    store.transaction(() => wanted.forEach(({ id }) => store.deleteInstance(id)));
    return wanted.length;
  }

  #onLiving(id: string, act: (instance: Instance) => void): Verdict {
    const instance = this.#options.store.instance(id);
    if (instance === null) return 'notFound';
    if (ENDED.includes(instance.status)) return 'ended';
    act(instance);
    return 'done';
  }

  #describe(instance: Instance, withHistory: boolean): InstanceStatus {
    const parse = (text: string | null): unknown =>
      text === null ? null : (JSON.parse(text) as unknown);
    return {
      name: instance.name,
      instanceId: instance.id,
      runtimeStatus: instance.status,
      input: parse(instance.input),
      customStatus: parse(instance.customStatus),
      output: parse(instance.output),
      createdTime: instance.createdAt,
      lastUpdatedTime: instance.updatedAt,
      ...(withHistory ? { historyEvents: this.#options.store.history(instance.id) } : {}),
    };
  }
}
