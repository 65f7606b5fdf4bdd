import { describe, expect, it } from '@jest/globals';
import { useHost } from './host-fixture.ts';

const host = useHost();

describe('timer triggers', () => {
  const idle = async (): Promise<void> => host.idle();

  it('run on their schedule, which comes from a setting', async () => {
    await host.start();
    await host.clock.advanceTo(new Date('2026-11-01T00:46:00Z'), idle);
    expect(host.observed.ticks).toHaveLength(3);
    expect(host.observed.ticks[2]).toMatchObject({
      isPastDue: false,
      scheduleStatus: { last: '2026-11-01T00:30:00.000Z' },
    });
  });

  it('make up for a run that was missed while the host was down, once and as past due', async () => {
    await host.start();
    await host.clock.advanceTo(new Date('2026-11-01T00:16:00Z'), idle);
    await host.stop();
    host.clock.moveTo(new Date('2026-11-01T02:01:00Z'));
    await host.start();
    await idle();
    expect(host.observed.ticks).toHaveLength(2);
    expect(host.observed.ticks[1]).toMatchObject({ isPastDue: true });
    await host.stop();
    await host.start();
    await idle();
    expect(host.observed.ticks).toHaveLength(2);
  });

  it('go on after a run that throws', async () => {
    host.observed.tickFails = true;
    await host.start();
    await host.clock.advanceTo(new Date('2026-11-01T00:31:00Z'), idle);
    expect(host.observed.ticks).toHaveLength(2);
    expect(host.lines.join('\n')).toContain('error tick: Error: tick failed');
  });

  it('want the day of the month and the day of the week to fit both, as NCRONTAB does', async () => {
    await host.start({ settings: { TICK_SCHEDULE: '0 0 12 13 * 5' } });
    await host.clock.advanceTo(new Date('2026-12-31T00:00:00Z'), idle);
    expect(host.observed.ticks).toHaveLength(1);
    expect(host.observed.ticks[0]).toMatchObject({
      scheduleStatus: { next: '2026-11-13T12:00:00.000Z' },
    });
  });

  it.each([
    [{ TICK_SCHEDULE: 'every day' }, /schedule "every day" of the timer tick is not valid/],
    [{ TICK_SCHEDULE: '%GONE%' }, /not valid/],
  ])('refuse %j when the host starts', async (settings, message) => {
    await expect(host.start({ settings })).rejects.toThrow(message);
  });
});
