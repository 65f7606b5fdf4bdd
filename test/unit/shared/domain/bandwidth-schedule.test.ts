import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  type BandwidthSchedule,
  limitAt,
  scheduleFaults,
  type Weekday,
  WEEKDAYS,
} from '../../../../shared/domain/bandwidth-schedule.ts';

const MINUTE_MS = 60_000;
/** A Monday, 00:00 UTC. */
const MONDAY = Date.parse('2026-06-01T00:00:00Z');

function scheduleOf(
  days: readonly Weekday[],
  from: string,
  to: string,
  more: Partial<BandwidthSchedule> = {},
): BandwidthSchedule {
  return { windows: [{ days, from, to, mbps: 10 }], defaultMbps: 100, ...more };
}

/** The moments (UTC) in [from, to) at which the limit becomes another one. */
function changes(schedule: BandwidthSchedule, from: string, to: string): readonly string[] {
  const found: string[] = [];
  const end = Date.parse(to);
  let previous = limitAt(schedule, new Date(Date.parse(from) - MINUTE_MS));
  for (let at = Date.parse(from); at < end; at += MINUTE_MS) {
    const limit = limitAt(schedule, new Date(at));
    if (limit !== previous) found.push(`${new Date(at).toISOString().slice(0, 16)} ${limit}`);
    previous = limit;
  }
  return found;
}

describe('the bandwidth limit of a moment', () => {
  it('is none when the schedule says nothing', () => {
    expect(limitAt({ windows: [] }, new Date(MONDAY))).toBeNull();
  });

  it('is the default outside of all windows, or none', () => {
    const noon = new Date('2026-06-01T12:00:00Z');
    expect(limitAt({ windows: [], defaultMbps: 7 }, noon)).toBe(7);
    expect(limitAt(scheduleOf(['tue'], '08:00', '18:00'), noon)).toBe(100);
    const { windows } = scheduleOf(['tue'], '08:00', '18:00');
    expect(limitAt({ windows }, noon)).toBeNull();
  });

  it('may be higher inside a window than outside', () => {
    const schedule = scheduleOf(['mon'], '00:00', '24:00', { defaultMbps: 1 });
    expect(limitAt(schedule, new Date(MONDAY))).toBe(10);
  });

  it('includes the first instant of a window and not the last', () => {
    const schedule = scheduleOf(['mon'], '08:00', '18:00');
    const at = (time: string): number | null => limitAt(schedule, new Date(`2026-06-01T${time}Z`));
    expect(at('07:59:59.999')).toBe(100);
    expect(at('08:00:00.000')).toBe(10);
    expect(at('17:59:59.999')).toBe(10);
    expect(at('18:00:00.000')).toBe(100);
  });

  it('lasts until midnight in a window that ends at 24:00', () => {
    const schedule = scheduleOf(['mon'], '00:00', '24:00');
    expect(changes(schedule, '2026-06-01T00:00Z', '2026-06-08T00:00Z')).toEqual([
      '2026-06-01T00:00 10',
      '2026-06-02T00:00 100',
    ]);
  });

  it('goes over midnight in a window that ends on the next day', () => {
    const schedule = scheduleOf(['wed'], '22:00', '06:00');
    expect(changes(schedule, '2026-06-01T00:00Z', '2026-06-08T00:00Z')).toEqual([
      '2026-06-03T22:00 10',
      '2026-06-04T06:00 100',
    ]);
  });

  it('ends at midnight in a window from the evening to 00:00', () => {
    const schedule = scheduleOf(['wed'], '22:00', '00:00');
    expect(changes(schedule, '2026-06-01T00:00Z', '2026-06-08T00:00Z')).toEqual([
      '2026-06-03T22:00 10',
      '2026-06-04T00:00 100',
    ]);
  });

  it('goes over the end of the week', () => {
    const schedule = scheduleOf(['sun'], '23:30', '00:30');
    expect(changes(schedule, '2026-06-07T00:00Z', '2026-06-09T00:00Z')).toEqual([
      '2026-06-07T23:30 10',
      '2026-06-08T00:30 100',
    ]);
  });

  it('is the lowest of overlapping windows, the end of yesterday’s among them', () => {
    const schedule = {
      defaultMbps: 100,
      windows: [
        { days: ['mon' as const], from: '20:00', to: '08:00', mbps: 50 },
        { days: ['tue' as const], from: '06:00', to: '10:00', mbps: 20 },
        { days: WEEKDAYS, from: '07:00', to: '09:00', mbps: 500 },
        { days: ['tue' as const], from: '09:30', to: '10:30', mbps: 0 },
      ],
    };
    expect(changes(schedule, '2026-06-02T00:00Z', '2026-06-03T00:00Z')).toEqual([
      '2026-06-02T06:00 20',
      '2026-06-02T09:30 0',
      '2026-06-02T10:30 100',
    ]);
  });

  it('follows the clocks and the days of its time zone', () => {
    const timeZone = 'Pacific/Auckland';
    const schedule = scheduleOf(['mon'], '00:00', '01:00', { timeZone });
    expect(changes(schedule, '2026-05-31T00:00Z', '2026-06-03T00:00Z')).toEqual([
      '2026-05-31T12:00 10',
      '2026-05-31T13:00 100',
    ]);
  });

  it('keeps the hour on the wall when the clocks go forward and back', () => {
    const timeZone = 'Europe/Berlin';
    const schedule = scheduleOf(['sat', 'sun'], '08:00', '09:00', { timeZone });
    expect(changes(schedule, '2026-03-28T00:00Z', '2026-03-30T00:00Z')).toEqual([
      '2026-03-28T07:00 10',
      '2026-03-28T08:00 100',
      '2026-03-29T06:00 10',
      '2026-03-29T07:00 100',
    ]);
    expect(changes(schedule, '2026-10-24T00:00Z', '2026-10-26T00:00Z')).toEqual([
      '2026-10-24T06:00 10',
      '2026-10-24T07:00 100',
      '2026-10-25T07:00 10',
      '2026-10-25T08:00 100',
    ]);
  });

  it('has no moment in an hour that the clocks skip, and two hours in one they repeat', () => {
    const timeZone = 'Europe/Berlin';
    const schedule = scheduleOf(WEEKDAYS, '02:00', '03:00', { timeZone });
    expect(changes(schedule, '2026-03-28T12:00Z', '2026-03-29T12:00Z')).toEqual([]);
    expect(changes(schedule, '2026-10-24T12:00Z', '2026-10-25T12:00Z')).toEqual([
      '2026-10-25T00:00 10',
      '2026-10-25T02:00 100',
    ]);
  });

  it('is an hour shorter in a night in which the clocks go forward', () => {
    const timeZone = 'America/New_York';
    const schedule = scheduleOf(['sat'], '22:00', '06:00', { timeZone });
    expect(changes(schedule, '2026-03-07T12:00Z', '2026-03-08T20:00Z')).toEqual([
      '2026-03-08T03:00 10',
      '2026-03-08T10:00 100',
    ]);
  });

  it('follows time zones that are off by a part of an hour', () => {
    const schedule = scheduleOf(['mon'], '08:00', '08:01', { timeZone: 'Asia/Kathmandu' });
    expect(changes(schedule, '2026-06-01T00:00Z', '2026-06-02T00:00Z')).toEqual([
      '2026-06-01T02:15 10',
      '2026-06-01T02:16 100',
    ]);
  });

  it('is what a week painted minute by minute says', () => {
    const WEEK = 7 * 1440;
    const time = fc.integer({ min: 0, max: 1439 });
    const text = (minute: number): string =>
      `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    const window = fc
      .record({
        days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
        from: time,
        to: fc.integer({ min: 0, max: 1440 }),
        mbps: fc.nat(1000),
      })
      .filter(({ from, to }) => from !== to);
    const parts = fc.record({
      windows: fc.array(window, { minLength: 1, maxLength: 5 }),
      moments: fc.array(fc.integer({ min: 0, max: WEEK - 1 }), { minLength: 10, maxLength: 10 }),
    });
    fc.assert(
      fc.property(parts, ({ windows, moments }) => {
        const painted = Array.from<number | null>({ length: WEEK }).fill(null);
        for (const { days, from, to, mbps } of windows) {
          for (const day of days) {
            const start = WEEKDAYS.indexOf(day) * 1440 + from;
            const length = to > from ? to - from : to + 1440 - from;
            for (let n = 0; n < length; n += 1) {
              const at = (start + n) % WEEK;
              painted[at] = Math.min(painted[at] ?? Number.POSITIVE_INFINITY, mbps);
            }
          }
        }
        const schedule = {
          windows: windows.map(({ days, from, to, mbps }) => {
            return { days, from: text(from), to: to === 1440 ? '24:00' : text(to), mbps };
          }),
        };
        const edges = windows.flatMap(({ from, to }) => [from, to % 1440]);
        for (const minute of [...moments, ...edges]) {
          const at = new Date(MONDAY + minute * MINUTE_MS);
          expect(limitAt(schedule, at)).toBe(painted[minute]);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the faults of a bandwidth schedule', () => {
  it('are none in one that can be kept', () => {
    const timeZone = 'America/Sao_Paulo';
    expect(scheduleFaults(scheduleOf(['mon'], '23:59', '24:00', { timeZone }))).toEqual([]);
    expect(scheduleFaults({ windows: [] })).toEqual([]);
  });

  it('are all named, with the place of each', () => {
    const wrong = {
      timeZone: 'Nowhere/Land',
      defaultMbps: Number.NaN,
      windows: [{ days: [], from: '24:00', to: '25:00', mbps: -1 }],
    };
    expect(scheduleFaults(wrong).map(({ path }) => path.join('.'))).toEqual([
      'timeZone',
      'defaultMbps',
      'windows.0.days',
      'windows.0.from',
      'windows.0.to',
      'windows.0.mbps',
    ]);
  });

  it('include a pause that never ends, but not one that ends for a minute a week', () => {
    const pause = { days: WEEKDAYS, from: '00:00', to: '24:00', mbps: 0 };
    expect(scheduleFaults({ windows: [pause] })).toHaveLength(1);
    const almost = [
      { ...pause, days: WEEKDAYS.slice(0, 6) },
      { ...pause, days: ['sun' as const], to: '23:59' },
    ];
    expect(scheduleFaults({ windows: almost })).toEqual([]);
  });
});
