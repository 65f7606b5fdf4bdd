import type { Invoker } from '../invoke.ts';
import { jsonOf } from '../invoke.ts';
import type { Clock } from '../support/clock.ts';
import type { HostLogger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { taskFailure } from './failure.ts';
import {
  ENDED,
  EVENT,
  event,
  type HistoryEvent,
  type Instance,
  type PendingWork,
  type RuntimeStatus,
} from './history.ts';
import { ANY_EXECUTION, type DurableStore } from './store.ts';
import { runTurn, type TurnResult } from './turn.ts';

const MAX_CONCURRENT_ACTIVITIES = 10;

export interface EngineOptions {
  readonly invoker: Invoker;
  readonly store: DurableStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: HostLogger;
  /** Value of the durableClient binding for activities that ask for one. */
  readonly clientBinding: () => string;
}

/**
 * Runs orchestrations: takes one event an instance at a time, replays, persists, then hands out what the
 * orchestrator asked for. Everything that is handed out was persisted before.
 */
export class DurableEngine {
  readonly #options: EngineOptions;
  readonly #ready = new Set<string>();
  readonly #queue: { instanceId: string; execution: number; work: PendingWork }[] = [];
  readonly #timers = new Map<string, { cancel(): void }>();
  #runningActivities = 0;
  #isPumping = false;
  #isDead = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Takes up whatever an earlier host left behind. */
  start(): void {
    const { store } = this.#options;
    for (const { instanceId, execution, work } of store.allWork()) {
      this.#dispatch(instanceId, execution, work);
    }
    for (const id of store.instancesWithStatus(['Pending', 'Running', 'ContinuedAsNew'])) {
      this.#wake(id);
    }
  }

  /** Stops at once, as a killed process would: what runs is forgotten, what is persisted stays. */
  kill(): void {
    this.#isDead = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
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
    const { store, clock } = this.#options;
    store.transaction(() => {
      const instance = store.instance(id);
      if (instance === null) return;
      this.#finish(instance, 'Terminated', JSON.stringify(reason), clock.now());
    });
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
    for (const pending of store.allWork()) {
      if (pending.instanceId === id) this.#dispatch(id, pending.execution, pending.work);
    }
    this.#wake(id);
  }

  #insert(name: string, id: string, input: string | null, parent: Instance['parent']): void {
    const { store, clock } = this.#options;
    const now = clock.now();
    store.deleteInstance(id);
    store.putInstance({
      id,
      name,
      execution: 0,
      status: 'Pending',
      input,
      output: null,
      customStatus: null,
      createdAt: now.toISOString(),
      updatedAt: now.toISOString(),
      parent,
    });
    store.post(
      id,
      0,
      event(EVENT.executionStarted, now, { Name: name, Input: input, Version: '' }),
    );
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
    store.transaction(() => {
      store.takeInbox(entry.id);
      this.#persist(instance, past.length, result);
    });
    this.#handOut(instance, result);
    return true;
  }

  #persist(instance: Instance, position: number, result: TurnResult): void {
    const { store, clock } = this.#options;
    const now = clock.now();
    const customStatus = result.customStatus ?? instance.customStatus;
    const current: Instance = {
      ...instance,
      customStatus,
      status: 'Running',
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
        this.#finish(current, 'Completed', result.end.output, now);
        return;
      case 'failed': {
        const { name } = instance;
        const text = `Orchestrator function '${name}' failed: ${result.end.reason}`;
        this.#options.logger.log('warning', `${instance.id}: ${text}`);
        this.#finish(current, 'Failed', JSON.stringify(text), now);
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
    const execution = instance.execution + 1;
    store.replaceHistory(instance.id, []);
    store.clearInbox(instance.id);
    store.clearWork(instance.id);
    store.putInstance({ ...instance, execution, input, status: 'ContinuedAsNew' });
    const fields = { Name: instance.name, Input: input, Version: '' };
    store.post(instance.id, execution, event(EVENT.executionStarted, now, fields));
  }

  #finish(instance: Instance, status: RuntimeStatus, output: string, now: Date): void {
    const { store } = this.#options;
    const { id, parent } = instance;
    store.putInstance({ ...instance, status, output, updatedAt: now.toISOString() });
    store.clearInbox(id);
    store.clearWork(id);
    if (parent === null) return;
    const TaskScheduledId = parent.taskId;
    const completion =
      status === 'Completed'
        ? event(EVENT.subOrchestrationCompleted, now, { TaskScheduledId, Result: output })
        : event(EVENT.subOrchestrationFailed, now, {
            TaskScheduledId,
            Reason: String(JSON.parse(output)),
            Details: '',
          });
    store.post(parent.id, parent.execution, completion);
    this.#wake(parent.id);
  }

  #handOut(instance: Instance, result: TurnResult): void {
    const { id, execution } = instance;
    for (const taskId of result.cancelledTimers) this.#cancelTimer(id, execution, taskId);
    if (result.end.kind === 'running') {
      for (const work of result.scheduled) this.#dispatch(id, execution, work);
      for (const child of result.subOrchestrations) this.#wake(child.instanceId);
    }
    this.#wake(id);
  }

  #dispatch(instanceId: string, execution: number, work: PendingWork): void {
    if (this.#isDead) return;
    if (work.kind === 'timer') {
      this.#setTimer(instanceId, execution, work);
      return;
    }
    this.#queue.push({ instanceId, execution, work });
    this.#runActivities();
  }

  #setTimer(
    instanceId: string,
    execution: number,
    work: Extract<PendingWork, { kind: 'timer' }>,
  ): void {
    const key = `${instanceId}/${execution}/${work.taskId}`;
    this.#timers.get(key)?.cancel();
    const timer = this.#options.clock.setTimer(new Date(work.fireAt), () => {
      this.#timers.delete(key);
      const fields = { TimerId: work.taskId, FireAt: work.fireAt };
      this.#complete(instanceId, execution, work.taskId, {
        type: EVENT.timerFired,
        fields,
      });
    });
    this.#timers.set(key, timer);
  }

  #cancelTimer(instanceId: string, execution: number, taskId: number): void {
    const key = `${instanceId}/${execution}/${taskId}`;
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  #runActivities(): void {
    while (this.#runningActivities < MAX_CONCURRENT_ACTIVITIES && !this.#isDead) {
      const next = this.#queue.shift();
      if (next === undefined || next.work.kind !== 'activity') return;
      this.#runningActivities += 1;
      void this.#runActivity(next.instanceId, next.execution, next.work).finally(() => {
        this.#runningActivities -= 1;
        this.#runActivities();
        this.#settleIfIdle();
      });
    }
  }

  async #runActivity(
    instanceId: string,
    execution: number,
    work: Extract<PendingWork, { kind: 'activity' }>,
  ): Promise<void> {
    const { taskId, name, input } = work;
    const text = typeof input === 'string' ? input : JSON.stringify(input ?? null);
    let outcome: { type: number; fields: Partial<HistoryEvent> };
    try {
      const response = await this.#options.invoker.invoke({
        functionName: name,
        inputs: {
          activityTrigger: { string: text },
          durableClient: { string: this.#options.clientBinding() },
        },
      });
      const fields = { TaskScheduledId: taskId, Result: jsonOf(response.returnValue) };
      outcome = { type: EVENT.taskCompleted, fields };
    } catch (error) {
      this.#options.logger.log('warning', `${instanceId}: ${name} threw ${String(error)}`);
      const fields = { TaskScheduledId: taskId, ...taskFailure(name, error) };
      outcome = { type: EVENT.taskFailed, fields };
    }
    this.#complete(instanceId, execution, taskId, outcome);
  }

  #complete(
    instanceId: string,
    execution: number,
    taskId: number,
    outcome: { readonly type: number; readonly fields: Partial<HistoryEvent> },
  ): void {
    if (this.#isDead) return;
    const { store, clock } = this.#options;
    store.transaction(() => {
      if (!store.takeWork(instanceId, execution, taskId)) return;
      store.post(instanceId, execution, event(outcome.type, clock.now(), outcome.fields));
    });
    this.#wake(instanceId);
  }

  #isIdle(): boolean {
    if (this.#isDead) return !this.#isPumping;
    return !this.#isPumping && this.#ready.size === 0 && this.#runningActivities === 0;
  }

  #settleIfIdle(): void {
    if (!this.#isIdle()) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
