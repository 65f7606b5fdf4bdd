import { Cron } from 'croner';
import type { RegisteredFunction } from './core-module.ts';

export type Settings = Readonly<Record<string, string | undefined>>;

export interface TimerFunction {
  readonly functionName: string;
  readonly runsOnStartup: boolean;
  /** Keeps record of the last run, so that a run that was missed is made up for. */
  readonly isMonitored: boolean;
  /** First time after `from`; `null` when there is none. */
  nextAfter(from: Date): Date | null;
}

/** The timer trigger of a function, if it has one. Throws one clear sentence when its schedule is no schedule. */
export function timerOf(
  { metadata }: RegisteredFunction,
  settings: Settings,
): readonly TimerFunction[] {
  const trigger = Object.values(metadata.bindings).find(({ type }) => type === 'timerTrigger');
  if (trigger === undefined) return [];
  const { name: functionName } = metadata;
  const schedule = resolveSetting(String(trigger['schedule']), settings);
  const cron = parse(functionName, schedule, settings['WEBSITE_TIME_ZONE'] ?? 'UTC');
  return [
    {
      functionName,
      runsOnStartup: trigger['runOnStartup'] === true,
      isMonitored: trigger['useMonitor'] !== false,
      nextAfter: (from) => cron.nextRun(from),
    },
  ];
}

function parse(functionName: string, schedule: string, timezone: string): Cron {
  try {
    // NCRONTAB wants the day of the month and the day of the week to fit both, cron either.
    const cron = new Cron(schedule, { timezone, paused: true, domAndDow: true });
    cron.nextRun(new Date(0));
    return cron;
  } catch (error) {
    const text = `The schedule "${schedule}" of the timer ${functionName} is not valid: ${String(error)}`;
    throw new Error(text, { cause: error });
  }
}

/** `%NAME%` stands for an application setting. */
function resolveSetting(text: string, settings: Settings): string {
  return text.replaceAll(/%([^%]+)%/g, (_whole, name: string) => {
    const value = settings[name];
    if (value !== undefined) return value;
    throw new Error(
      `The application setting ${name} is missing; a timer's schedule comes from it.`,
    );
  });
}
