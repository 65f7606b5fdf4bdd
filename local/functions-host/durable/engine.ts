import type { Invoker } from '../invoke.ts';
import type { Clock } from '../support/clock.ts';
import type { HostLogger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { type Outcome, type OwnedWork, WorkDispatcher } from './dispatch.ts';
import { ENDED, EVENT, event, type Instance, type RuntimeStatus } from './history.ts';
import { ANY_EXECUTION, type DurableStore } from './store.ts';
import { runTurn, type TurnResult } from './turn.ts';

export interface EngineOptions {
  readonly invoker: Invoker;
  readonly store: DurableStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: HostLogger;
  /** Value of the durableClient binding for activities that ask for one. */
  readonly clientBinding: () => string;
  readonly maxConcurrentActivities: number;
}

/** How an instance ends: `output` is JSON text. */
interface Ending {
  readonly status: RuntimeStatus;
  readonly output: string;
  readonly failureDetails?: unknown;
}

/**
 * Runs orchestrations: takes one event an instance at a time, replays, persists, then hands out what the
 * orchestrator asked for. Everything that is handed out was persisted before.
 */
export class DurableEngine {
  readonly #options: EngineOptions;
  readonly #dispatcher: WorkDispatcher;
  readonly #ready = new Set<string>();
  #isPumping = false;
  #isDead = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: EngineOptions) {
    this.#options = options;
    const { invoker, clock, logger, clientBinding } = options;
    this.#dispatcher = new WorkDispatcher({
      invoker,
      clock,
      logger,
      clientBinding,
      maxConcurrentActivities: options.maxConcurrentActivities,
      onOutcome: (owned, outcome) => this.#complete(owned, outcome),
      onIdle: () => this.#settleIfIdle(),
    });
  }

  /** Takes up whatever an earlier host left behind. */
  start(): void {
    const { store } = this.#options;
    for (const owned of store.allWork()) this.#dispatcher.dispatch(owned);
    for (const id of store.instancesWithStatus(['Pending', 'Running', 'ContinuedAsNew'])) {
      this.#wake(id);
    }
  }

  /** Stops at once, as a killed process would: what runs is forgotten, what is persisted stays. */
  kill(): void {
    this.#isDead = true;
    this.#dispatcher.stop();
    this.#settleIfIdle();
  }

  /** Resolves when no turn and no activity runs; timers may still be set. */
  async idle(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  create(name: string, id: string, input: string | null, parent: Instance['parent'] = null): void {
    const { store } = this.#options;
    store.transaction(() => this.#insert(name, id, input, parent));
    this.#dispatcher.cancelTimersOf(id);
    this.#wake(id);
  }

  post(id: string, fields: { readonly name: string; readonly input: string }): void {
    const { store, clock } = this.#options;
    const raised = event(EVENT.eventRaised, clock.now(), {
      Name: fields.name,
      Input: fields.input,
    });
    store.transaction(() => store.post(id, ANY_EXECUTION, raised));
    this.#wake(id);
  }

  terminate(id: string, reason: string): void {
    const { store } = this.#options;
    store.transaction(() => {
      const instance = store.instance(id);
      if (instance === null) return;
      this.#finish(instance, { status: 'Terminated', output: JSON.stringify(reason) });
    });
    this.#dispatcher.cancelTimersOf(id);
  }

  setStatus(id: string, status: RuntimeStatus): void {
    const { store, clock } = this.#options;
    store.transaction(() => {
      const instance = store.instance(id);
      if (instance === null) return;
      store.putInstance({ ...instance, status, updatedAt: clock.now().toISOString() });
    });
    this.#wake(id);
  }

  /** Hands out persisted work and turns again, after somebody changed the store. */
  resume(id: string): void {
    const { store } = this.#options;
    for (const owned of store.allWork()) {
      if (owned.instanceId === id) this.#dispatcher.dispatch(owned);
    }
    this.#wake(id);
  }

  #insert(name: string, id: string, input: string | null, parent: Instance['parent']): void {
    const { store, clock } = this.#options;
    const now = clock.now();
    // Unique for ever: what still runs for an earlier instance of this id must not count for this one.
    const execution = store.nextExecution();
    store.deleteInstance(id);
    store.putInstance({
      id,
      name,
      execution,
      status: 'Pending',
      input,
      output: null,
      customStatus: null,
      createdAt: now.toISOString(),
      updatedAt: now.toISOString(),
      parent,
    });
    const fields = { Name: name, Input: input, Version: '' };
    store.post(id, execution, event(EVENT.executionStarted, now, fields));
  }

  #wake(id: string): void {
    if (this.#isDead) return;
    this.#ready.add(id);
    if (!this.#isPumping) void this.#pump();
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    // Lets the caller finish before the first turn runs.
    await Promise.resolve();
    for (const id of this.#ready) {
      if (this.#isDead) break;
      // Before the turn: whoever wakes the instance meanwhile must be heard.
      this.#ready.delete(id);
      const hasMore = await this.#turn(id);
      if (hasMore) this.#ready.add(id);
    }
    this.#isPumping = false;
    if (this.#ready.size > 0 && !this.#isDead) void this.#pump();
    else this.#settleIfIdle();
  }

  /** One event, one turn, one transaction. True when more events wait. */
  async #turn(id: string): Promise<boolean> {
    const { store, clock, invoker } = this.#options;
    const instance = store.instance(id);
    if (instance === null || ENDED.includes(instance.status) || instance.status === 'Suspended') {
      return false;
    }
    const entry = store.nextInbox(id);
    if (entry === null) return false;
    if (entry.execution !== ANY_EXECUTION && entry.execution !== instance.execution) {
      store.transaction(() => store.takeInbox(entry.id));
      return true;
    }
    const past = store.history(id);
    const started = event(EVENT.orchestratorStarted, clock.now());
    const result = await runTurn(invoker, instance, { past, fresh: [started, entry.event] });
    if (this.#isDead) return false;
    const isPersisted = store.transaction(() => {
      const current = this.#ifStillTheSame(instance);
      if (current === null) return false;
      store.takeInbox(entry.id);
      this.#persist(current, past.length, result);
      return true;
    });
    if (isPersisted) this.#handOut(instance, result);
    return true;
  }

  /** The instance as it is after the turn; `null` when it was ended, purged or replaced meanwhile. */
  #ifStillTheSame({ id, execution }: Instance): Instance | null {
    const current = this.#options.store.instance(id);
    const isSame = current?.execution === execution && !ENDED.includes(current.status);
    return isSame ? current : null;
  }

  #persist(instance: Instance, position: number, result: TurnResult): void {
    const { store, clock } = this.#options;
    const now = clock.now();
    const customStatus = result.customStatus ?? instance.customStatus;
    const current: Instance = {
      ...instance,
      customStatus,
      status: instance.status === 'Suspended' ? 'Suspended' : 'Running',
      updatedAt: now.toISOString(),
    };
    store.appendHistory(instance.id, position, result.appended);
    switch (result.end.kind) {
      case 'running':
        store.putInstance(current);
        for (const work of result.scheduled) store.putWork(instance.id, instance.execution, work);
        for (const taskId of result.cancelledTimers) {
          store.takeWork(instance.id, instance.execution, taskId);
        }
        for (const child of result.subOrchestrations) this.#insertChild(instance, child);
        return;
      case 'continuedAsNew':
        this.#continueAsNew(current, result.end.input, now);
        return;
      case 'completed':
        this.#finish(current, { status: 'Completed', output: result.end.output });
        return;
      case 'failed': {
        const { name } = instance;
        const { reason, failureDetails } = result.end;
        const text = `Orchestrator function '${name}' failed: ${reason}`;
        this.#options.logger.log('warning', `${instance.id}: ${text}`);
        this.#finish(current, { status: 'Failed', output: JSON.stringify(text), failureDetails });
      }
    }
  }

  #insertChild(
    parent: Instance,
    { taskId, name, instanceId, input }: TurnResult['subOrchestrations'][number],
  ): void {
    const { store, clock } = this.#options;
    const existing = store.instance(instanceId);
    if (existing !== null && !ENDED.includes(existing.status)) {
      const Reason = `An orchestration with the instance id ${instanceId} runs already.`;
      const fields = { TaskScheduledId: taskId, Reason, Details: Reason };
      const failed = event(EVENT.subOrchestrationFailed, clock.now(), fields);
      store.post(parent.id, parent.execution, failed);
      return;
    }
    const { id, execution } = parent;
    this.#insert(name, instanceId, input, { id, execution, taskId });
  }

  /** As the classic JavaScript SDK under the real host: events that nobody took yet are dropped. */
  #continueAsNew(instance: Instance, input: string, now: Date): void {
    const { store } = this.#options;
    const execution = store.nextExecution();
    store.replaceHistory(instance.id, []);
    store.clearInbox(instance.id);
    store.clearWork(instance.id);
    const status = instance.status === 'Suspended' ? 'Suspended' : 'ContinuedAsNew';
    store.putInstance({ ...instance, execution, input, status });
    const fields = { Name: instance.name, Input: input, Version: '' };
    store.post(instance.id, execution, event(EVENT.executionStarted, now, fields));
  }

  #finish(instance: Instance, { status, output, failureDetails }: Ending): void {
    const { store, clock } = this.#options;
    const now = clock.now();
    const { id, parent } = instance;
    store.putInstance({ ...instance, status, output, updatedAt: now.toISOString() });
    store.clearInbox(id);
    store.clearWork(id);
    if (parent === null) return;
    const completion =
      status === 'Completed'
        ? event(EVENT.subOrchestrationCompleted, now, {
            TaskScheduledId: parent.taskId,
            Result: output,
          })
        : event(EVENT.subOrchestrationFailed, now, {
            TaskScheduledId: parent.taskId,
            Reason: String(JSON.parse(output)),
            Details: '',
            ...(failureDetails === undefined ? {} : { FailureDetails: failureDetails }),
          });
    store.post(parent.id, parent.execution, completion);
    this.#wake(parent.id);
  }

  #handOut({ id, execution }: Instance, result: TurnResult): void {
    if (result.end.kind === 'running') {
      for (const work of result.scheduled) {
        this.#dispatcher.dispatch({ instanceId: id, execution, work });
      }
      for (const taskId of result.cancelledTimers) {
        this.#dispatcher.cancelTimer(id, execution, taskId);
      }
      for (const child of result.subOrchestrations) this.#wake(child.instanceId);
    } else {
      this.#dispatcher.cancelTimersOf(id);
    }
    this.#wake(id);
  }

  #complete({ instanceId, execution, work }: OwnedWork, { type, fields }: Outcome): void {
    if (this.#isDead) return;
    const { store, clock } = this.#options;
    store.transaction(() => {
      if (!store.takeWork(instanceId, execution, work.taskId)) return;
      store.post(instanceId, execution, event(type, clock.now(), fields));
    });
    this.#wake(instanceId);
  }

  #isIdle(): boolean {
    if (this.#isDead) return !this.#isPumping;
    return !this.#isPumping && this.#ready.size === 0 && this.#dispatcher.isIdle;
  }

  #settleIfIdle(): void {
    if (!this.#isIdle()) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
