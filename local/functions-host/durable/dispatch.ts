import type { Invoker } from '../invoke.ts';
import { jsonOf } from '../invoke.ts';
import type { Clock } from '../support/clock.ts';
import type { HostLogger } from '../support/logger.ts';
import { taskFailure } from './failure.ts';
import { EVENT, type HistoryEvent, type PendingWork } from './history.ts';

type ActivityWork = Extract<PendingWork, { kind: 'activity' }>;
type TimerWork = Extract<PendingWork, { kind: 'timer' }>;

/** Work of one execution of an instance. */
export interface OwnedWork<W extends PendingWork = PendingWork> {
  readonly instanceId: string;
  readonly execution: number;
  readonly work: W;
}

/** How a piece of work ended, as the event that its instance gets. */
export interface Outcome {
  readonly type: number;
  readonly fields: Partial<HistoryEvent>;
}

interface DispatcherOptions {
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly logger: HostLogger;
  /** Value of the durableClient binding for activities that ask for one. */
  readonly clientBinding: () => string;
  readonly maxConcurrentActivities: number;
  readonly onOutcome: (owned: OwnedWork, outcome: Outcome) => void;
  readonly onIdle: () => void;
}

/** Runs activities, a limited number at a time, and waits for timers. Persists nothing itself. */
export class WorkDispatcher {
  readonly #options: DispatcherOptions;
  readonly #queue: OwnedWork<ActivityWork>[] = [];
  /** By instance, then by execution and task. */
  readonly #timers = new Map<string, Map<string, { cancel(): void }>>();
  #runningActivities = 0;
  #isStopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#runningActivities === 0 && this.#queue.length === 0;
  }

  dispatch({ instanceId, execution, work }: OwnedWork): void {
    if (this.#isStopped) return;
    if (work.kind === 'timer') {
      this.#setTimer({ instanceId, execution, work });
      return;
    }
    this.#queue.push({ instanceId, execution, work });
    this.#runActivities();
  }

  cancelTimer(instanceId: string, execution: number, taskId: number): void {
    const timers = this.#timers.get(instanceId);
    const key = `${execution}/${taskId}`;
    timers?.get(key)?.cancel();
    timers?.delete(key);
    if (timers?.size === 0) this.#timers.delete(instanceId);
  }

  cancelTimersOf(instanceId: string): void {
    for (const timer of this.#timers.get(instanceId)?.values() ?? []) timer.cancel();
    this.#timers.delete(instanceId);
  }

  /** Forgets what waits; what runs runs on, but nobody hears of it. */
  stop(): void {
    this.#isStopped = true;
    this.#queue.length = 0;
    for (const instanceId of this.#timers.keys()) this.cancelTimersOf(instanceId);
  }

  #setTimer(owned: OwnedWork<TimerWork>): void {
    const { instanceId, execution, work } = owned;
    this.cancelTimer(instanceId, execution, work.taskId);
    const timer = this.#options.clock.setTimer(new Date(work.fireAt), () => {
      this.cancelTimer(instanceId, execution, work.taskId);
      const fields = { TimerId: work.taskId, FireAt: work.fireAt };
      this.#options.onOutcome(owned, { type: EVENT.timerFired, fields });
    });
    const timers = this.#timers.get(instanceId) ?? new Map<string, { cancel(): void }>();
    timers.set(`${execution}/${work.taskId}`, timer);
    this.#timers.set(instanceId, timers);
  }

  #runActivities(): void {
    while (this.#runningActivities < this.#options.maxConcurrentActivities) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#runningActivities += 1;
      void this.#run(next).finally(() => {
        this.#runningActivities -= 1;
        this.#runActivities();
        if (this.isIdle) this.#options.onIdle();
      });
    }
  }

  async #run(owned: OwnedWork<ActivityWork>): Promise<void> {
    const outcome = await this.#outcomeOf(owned);
    if (!this.#isStopped) this.#options.onOutcome(owned, outcome);
  }

  async #outcomeOf({ instanceId, work }: OwnedWork<ActivityWork>): Promise<Outcome> {
    const { taskId: TaskScheduledId, name, input } = work;
    const text = typeof input === 'string' ? input : JSON.stringify(input ?? null);
    const { invoker, clientBinding, logger } = this.#options;
    try {
      const response = await invoker.invoke({
        functionName: name,
        inputs: { activityTrigger: { string: text }, durableClient: { string: clientBinding() } },
      });
      const Result = jsonOf(response.returnValue);
      return { type: EVENT.taskCompleted, fields: { TaskScheduledId, Result } };
    } catch (error) {
      logger.log('warning', `${instanceId}: ${name} threw ${String(error)}`);
      return { type: EVENT.taskFailed, fields: { TaskScheduledId, ...taskFailure(name, error) } };
    }
  }
}
