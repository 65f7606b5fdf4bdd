export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Mbps = 10^6 bits a second. */
export const MAX_MBPS = 1_000_000;

/**
 * A limit at certain hours of certain days. `from` (included) and `to` (excluded) are `HH:MM` on the wall
 * clock; a window whose `to` is not after its `from` ends on the next day and belongs to the day it begins on.
 */
export interface BandwidthWindow {
  readonly days: readonly Weekday[];
  readonly from: string;
  /** `24:00` is the end of the day. */
  readonly to: string;
  /** 0 = nothing is sent until the window ends. */
  readonly mbps: number;
}

export interface BandwidthSchedule {
  /** Outside of all windows; absent = unlimited there. */
  readonly defaultMbps?: number | undefined;
  /** IANA name, such as `Europe/Berlin`; absent = UTC. */
  readonly timeZone?: string | undefined;
  readonly windows: readonly BandwidthWindow[];
}

/** One thing that is wrong with a schedule. */
interface ScheduleFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const MINUTES_PER_DAY = 24 * 60;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/**
 * The limit at that moment in Mbps; `null` = none. Of overlapping windows the lowest counts. Can only change
 * when a minute begins. An hour that the clocks skip has no moments, one that they repeat has twice as many.
 */
export function limitAt(schedule: BandwidthSchedule, date: Date): number | null {
  const { windows, defaultMbps, timeZone } = schedule;
  if (windows.length === 0) return defaultMbps ?? null;
  return limitOnTheWall(schedule, wallTime(date, timeZone ?? 'UTC'));
}

/** Over a week, in Mbps; `null` = at some time of it there is no limit. */
export function averageLimit(schedule: BandwidthSchedule): number | null {
  let sum = 0;
  for (const weekday of WEEKDAYS.keys()) {
    for (let minute = 0; minute < MINUTES_PER_DAY; minute += 1) {
      const limit = limitOnTheWall(schedule, { weekday, minute });
      if (limit === null) return null;
      sum += limit;
    }
  }
  return sum / (WEEKDAYS.length * MINUTES_PER_DAY);
}

/** What is wrong with a schedule of the right shape; empty when nothing is. */
export function scheduleFaults(schedule: BandwidthSchedule): readonly ScheduleFault[] {
  const faults: ScheduleFault[] = [];
  const { defaultMbps, timeZone, windows } = schedule;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const message = 'is no IANA time zone, such as Europe/Berlin';
    faults.push({ path: ['timeZone'], message });
  }
  if (defaultMbps !== undefined && !isRate(defaultMbps)) {
    faults.push({ path: ['defaultMbps'], message: RATE_FAULT });
  }
  windows.forEach((window, index) => {
    for (const { path, message } of windowFaults(window)) {
      faults.push({ path: ['windows', index, ...path], message });
    }
  });
  if (faults.length === 0 && isAlwaysPaused(schedule)) {
    const message = 'every minute of the week has the limit 0: nothing would ever be sent';
    faults.push({ path: [], message });
  }
  return faults;
}

const RATE_FAULT = `must be 0 to ${MAX_MBPS}`;

function windowFaults({ days, from, to, mbps }: BandwidthWindow): readonly ScheduleFault[] {
  const faults: ScheduleFault[] = [];
  if (days.length === 0) faults.push({ path: ['days'], message: 'name at least one day' });
  if (!TIME.test(from)) faults.push({ path: ['from'], message: 'must be 00:00 to 23:59' });
  if (!TIME.test(to) && to !== '24:00') {
    faults.push({ path: ['to'], message: 'must be 00:00 to 24:00' });
  }
  if (from === to) {
    // An empty window to one reader, 24 hours to another.
    const message = 'must differ from "from"; a whole day is from 00:00 to 24:00';
    faults.push({ path: ['to'], message });
  }
  if (!isRate(mbps)) faults.push({ path: ['mbps'], message: RATE_FAULT });
  return faults;
}

function isRate(mbps: number): boolean {
  return mbps >= 0 && mbps <= MAX_MBPS;
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}

function isAlwaysPaused(schedule: BandwidthSchedule): boolean {
  return WEEKDAYS.every((_, weekday) => {
    for (let minute = 0; minute < MINUTES_PER_DAY; minute += 1) {
      if (limitOnTheWall(schedule, { weekday, minute }) !== 0) return false;
    }
    return true;
  });
}

/** What a clock on the wall shows: days since Monday, minutes since midnight. */
interface WallTime {
  readonly weekday: number;
  readonly minute: number;
}

function limitOnTheWall(schedule: BandwidthSchedule, time: WallTime): number | null {
  const limits = schedule.windows
    .filter((window) => isInside(window, time))
    .map(({ mbps }) => mbps);
  return limits.length > 0 ? Math.min(...limits) : (schedule.defaultMbps ?? null);
}

function isInside({ days, from, to }: BandwidthWindow, { weekday, minute }: WallTime): boolean {
  const [start, end] = [minutesOf(from), minutesOf(to)];
  const hasDay = (day: number): boolean =>
    days.some((name) => WEEKDAYS.indexOf(name) === day % WEEKDAYS.length);
  if (start < end) return hasDay(weekday) && minute >= start && minute < end;
  const yesterday = weekday + WEEKDAYS.length - 1;
  return (hasDay(weekday) && minute >= start) || (hasDay(yesterday) && minute < end);
}

function minutesOf(time: string): number {
  const [hours = '', minutes = ''] = time.split(':');
  return Number(hours) * 60 + Number(minutes);
}

/** Making one takes a hundred times as long as using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    // Without it midnight is hour 24 in some versions of the locale data.
    hourCycle: 'h23',
  });
  formats.set(timeZone, format);
  return format;
}

function wallTime(date: Date, timeZone: string): WallTime {
  const parts = formatOf(timeZone).formatToParts(date);
  const part = (type: string): string => parts.find((it) => it.type === type)?.value ?? '';
  return {
    weekday: WEEKDAYS.findIndex((name) => name === part('weekday').toLowerCase()),
    minute: Number(part('hour')) * 60 + Number(part('minute')),
  };
}
