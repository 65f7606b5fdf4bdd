import type { RegisteredFunction } from './core-module.ts';
import type { Invoker } from './invoke.ts';
import type { Clock } from './support/clock.ts';
import type { HostLogger } from './support/logger.ts';
import { type Settings, type TimerFunction, timerOf } from './timer-schedule.ts';
import type { TimerStatus, TimerStatusFile } from './timer-status.ts';

interface TimerOptions {
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly logger: HostLogger;
  readonly clientBinding: () => string;
  readonly settings: Settings;
  readonly statuses: TimerStatusFile;
}

/** What the real host says of a timer that never ran. */
const NEVER = '0001-01-01T00:00:00.000Z';

/** Runs timer triggers on their schedules. A run that is still going when the next is due delays it. */
export class TimerTriggers {
  readonly #options: TimerOptions;
  readonly #timers: readonly TimerFunction[];
  readonly #pending = new Map<string, { cancel(): void }>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(functions: Iterable<RegisteredFunction>, options: TimerOptions) {
    this.#options = options;
    this.#timers = [...functions].flatMap((registered) => timerOf(registered, options.settings));
  }

  start(): void {
    for (const timer of this.#timers) {
      const isPastDue = this.#isPastDue(timer);
      if (timer.runsOnStartup || isPastDue) this.#runThenArm(timer, isPastDue);
      else this.#arm(timer);
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const pending of this.#pending.values()) pending.cancel();
  }

  has(functionName: string): boolean {
    return this.#timers.some((timer) => timer.functionName === functionName);
  }

  /** Resolves when no timer function runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Runs a timer function now. Throws what it throws. */
  async run(functionName: string, isPastDue = false): Promise<void> {
    const { invoker, clientBinding } = this.#options;
    const timer = this.#timers.find((each) => each.functionName === functionName);
    const timerInfo = {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: timer === undefined ? null : this.#statusOf(timer),
      IsPastDue: isPastDue,
    };
    await invoker.invoke({
      functionName,
      inputs: {
        timerTrigger: { string: JSON.stringify(timerInfo) },
        durableClient: { string: clientBinding() },
      },
    });
  }

  #isPastDue(timer: TimerFunction): boolean {
    const { statuses, clock } = this.#options;
    if (!timer.isMonitored) return false;
    const status = statuses.read(timer.functionName);
    if (status === null) return false;
    // Reckoned anew: with a schedule that was changed meanwhile the remembered time means nothing.
    const since = new Date(status.Last === NEVER ? status.LastUpdated : status.Last);
    const due = timer.nextAfter(since);
    return due !== null && due < clock.now();
  }

  #arm(timer: TimerFunction): void {
    if (this.#isStopped) return;
    const { clock, statuses } = this.#options;
    const next = timer.nextAfter(clock.now());
    if (next === null) return;
    const status = this.#statusOf(timer);
    const Next = next.toISOString();
    const isKnown = statuses.read(timer.functionName)?.Next === Next;
    if (timer.isMonitored && !isKnown) statuses.write(timer.functionName, { ...status, Next });
    const pending = clock.setTimer(next, () => this.#runThenArm(timer, false));
    this.#pending.set(timer.functionName, pending);
  }

  #runThenArm(timer: TimerFunction, isPastDue: boolean): void {
    const { clock, logger, statuses } = this.#options;
    const startedAt = clock.now();
    const running = this.run(timer.functionName, isPastDue)
      .catch((error: unknown) => logger.log('error', `${timer.functionName}: ${String(error)}`))
      .then(() => {
        // A host that is going down must not say that it ran what it may have left half done.
        if (this.#isStopped) return;
        const Next = timer.nextAfter(startedAt)?.toISOString() ?? NEVER;
        const Last = startedAt.toISOString();
        if (timer.isMonitored) {
          statuses.write(timer.functionName, {
            Last,
            Next,
            LastUpdated: clock.now().toISOString(),
          });
        }
        this.#arm(timer);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #statusOf(timer: TimerFunction): TimerStatus {
    const { clock, statuses } = this.#options;
    const now = clock.now();
    const kept = statuses.read(timer.functionName);
    if (kept !== null) return kept;
    const Next = timer.nextAfter(now)?.toISOString() ?? NEVER;
    return { Last: NEVER, Next, LastUpdated: now.toISOString() };
  }
}
