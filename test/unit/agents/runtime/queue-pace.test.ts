import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Activity, longestPauseMs, QueuePace } from '../../../../agents/runtime/queue-pace.ts';

const { signal: never } = new AbortController();

// The clock stands still: a pause that waits for its time never ends.
beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('the pause between two looks into the queue', () => {
  it('is shortest just after work ended, as commands come in succession', () => {
    const at = (sinceEndMs: number): number => longestPauseMs({ isBusy: false, sinceEndMs });
    expect(at(0)).toBeLessThan(at(10_000));
    expect(at(10_000)).toBeLessThan(at(100_000));
    expect(at(100_000)).toBe(at(Number.POSITIVE_INFINITY));
  });

  it('is long while something runs, however recently something else ended', () => {
    const idle = longestPauseMs({ isBusy: false, sinceEndMs: 0 });
    expect(longestPauseMs({ isBusy: true, sinceEndMs: 0 })).toBeGreaterThan(idle);
  });

  it('ends when all work ends, not when some of it does', async () => {
    const activity = new Activity();
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const runs = [activity.during(first.promise), activity.during(second.promise)];
    let isOver = false;
    const pause = new QueuePace(activity).pauseAfter('failed', never).then(() => {
      isOver = true;
    });
    first.resolve();
    await runs[0];
    await Promise.resolve();
    expect([activity.isBusy, isOver]).toEqual([true, false]);
    second.resolve();
    await Promise.all([runs[1], pause]);
    expect([activity.isBusy, isOver]).toEqual([false, true]);
    expect(activity.sinceEndMs).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  it('ends when work fails, and the failure reaches whoever waits for it', async () => {
    const activity = new Activity();
    const { promise, reject } = Promise.withResolvers<void>();
    const run = activity.during(promise);
    const pause = new QueuePace(activity).pauseAfter('empty', never);
    reject(new Error('broken'));
    await expect(run).rejects.toThrow('broken');
    await pause;
    expect(activity.isBusy).toBe(false);
  });

  it('ends when the agent stops, and does not begin after that', async () => {
    const stopping = new AbortController();
    const pace = new QueuePace(new Activity());
    const pause = pace.pauseAfter('failed', stopping.signal);
    stopping.abort();
    await pause;
    await pace.pauseAfter('failed', stopping.signal);
    expect(stopping.signal.aborted).toBe(true);
  });
});
