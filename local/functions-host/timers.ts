import { Cron } from 'croner';
import type { RegisteredFunction } from './core-module.ts';
import type { Invoker } from './invoke.ts';
import type { Clock } from './support/clock.ts';
import type { HostLogger } from './support/logger.ts';

interface TimerFunction {
  readonly functionName: string;
  /** Six fields: seconds first, as NCRONTAB. */
  readonly schedule: string;
  readonly runsOnStartup: boolean;
}

interface TimerOptions {
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly logger: HostLogger;
  readonly clientBinding: () => string;
  readonly settings: Readonly<Record<string, string | undefined>>;
}

/** Runs timer triggers on their schedules. A run that is still going when the next is due delays it. */
export class TimerTriggers {
  readonly #options: TimerOptions;
  readonly #timers: readonly TimerFunction[];
  readonly #pending = new Map<string, { cancel(): void }>();
  #isStopped = false;

  constructor(functions: Iterable<RegisteredFunction>, options: TimerOptions) {
    this.#options = options;
    this.#timers = [...functions].flatMap((registered) => timerOf(registered, options.settings));
  }

  start(): void {
    for (const timer of this.#timers) {
      if (timer.runsOnStartup) void this.run(timer.functionName);
      this.#arm(timer);
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const pending of this.#pending.values()) pending.cancel();
  }

  /** Runs a timer function now. Throws what it throws. */
  async run(functionName: string, isPastDue = false): Promise<void> {
    const { invoker, clock, clientBinding } = this.#options;
    const now = clock.now().toISOString();
    const timerInfo = {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: { Last: now, LastUpdated: now, Next: now },
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

  #arm(timer: TimerFunction): void {
    if (this.#isStopped) return;
    const { clock, logger } = this.#options;
    const next = new Cron(timer.schedule, { timezone: 'UTC', paused: true }).nextRun(clock.now());
    if (next === null) return;
    const pending = clock.setTimer(next, () => {
      this.run(timer.functionName)
        .catch((error: unknown) => logger.log('error', `${timer.functionName}: ${String(error)}`))
        .finally(() => this.#arm(timer));
    });
    this.#pending.set(timer.functionName, pending);
  }
}

function timerOf(
  { metadata }: RegisteredFunction,
  settings: TimerOptions['settings'],
): readonly TimerFunction[] {
  const trigger = Object.values(metadata.bindings).find(({ type }) => type === 'timerTrigger');
  if (trigger === undefined) return [];
  const schedule = resolveSetting(String(trigger['schedule']), settings);
  const runsOnStartup = trigger['runOnStartup'] === true;
  return [{ functionName: metadata.name, schedule, runsOnStartup }];
}

/** `%NAME%` stands for an application setting. */
function resolveSetting(text: string, settings: TimerOptions['settings']): string {
  const name = /^%(.+)%$/.exec(text)?.[1];
  if (name === undefined) return text;
  const value = settings[name];
  if (value === undefined) {
    throw new Error(
      `The application setting ${name} is missing; a timer's schedule comes from it.`,
    );
  }
  return value;
}
