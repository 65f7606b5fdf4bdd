import { describe, expect, it } from '@jest/globals';
import type * as df from 'durable-functions';
import { MINUTE, useEngine } from './engine-fixture.ts';

const orchestrations: Record<string, df.OrchestrationHandler> = {
  losesEvents: function* (context) {
    const round = context.df.getInput<number>();
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + MINUTE));
    if (round === 0) {
      context.df.continueAsNew(1);
      return null;
    }
    return (yield context.df.waitForExternalEvent('early')) as unknown;
  },
  buffered: function* (context) {
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + MINUTE));
    const first: unknown = yield context.df.waitForExternalEvent('early');
    const second: unknown = yield context.df.waitForExternalEvent('early');
    return [first, second];
  },
  lifo: function* (context) {
    const a = context.df.waitForExternalEvent('x');
    const b = context.df.waitForExternalEvent('x');
    return (yield context.df.Task.all([a, b])) as unknown;
  },
  staleWaiter: function* (context) {
    const stale = context.df.waitForExternalEvent('x');
    const timer = context.df.createTimer(
      new Date(context.df.currentUtcDateTime.getTime() + MINUTE),
    );
    yield context.df.Task.any([stale, timer]);
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + MINUTE));
    return (yield context.df.waitForExternalEvent('x')) as unknown;
  },
  twiceInAny: function* (context) {
    const work = context.df.waitForExternalEvent('never');
    const pending = context.df.createTimer(
      new Date(context.df.currentUtcDateTime.getTime() + 60 * MINUTE),
    );
    yield context.df.Task.any([
      pending,
      context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 1000)),
    ]);
    yield context.df.Task.any([pending, work]);
    return 'unreachable';
  },
};
const engine = useEngine(orchestrations);

describe('durable engine, where events come', () => {
  it('lets an event beat a timer and never fires the cancelled timer', async () => {
    const it = engine.begin();
    it.start('timerOrEvent', 'i', null);
    await it.advanceBy(MINUTE);
    it.raiseEvent('i', 'go', 'now');
    await it.settle();
    expect(it.status('i').output).toBe('now');
    expect(it.clock.nextAt()).toBeNull();
  });

  it('lets the timer win when no event comes', async () => {
    const it = engine.begin();
    it.start('timerOrEvent', 'i', null);
    await it.advanceBy(10 * MINUTE);
    expect(it.status('i').output).toBe('timer');
  });

  it('drops buffered events at continueAsNew, as the real host does', async () => {
    const it = engine.begin();
    it.start('losesEvents', 'i', 0);
    await it.settle();
    it.raiseEvent('i', 'early', 1);
    await it.advanceBy(2 * MINUTE);
    expect(it.status('i').runtimeStatus).toBe('Running');
    it.raiseEvent('i', 'early', 2);
    await it.settle();
    expect(it.status('i').output).toBe(2);
  });

  it('keeps events that come before they are waited for, in order', async () => {
    const it = engine.begin();
    it.start('buffered', 'i', null);
    await it.settle();
    it.raiseEvent('i', 'early', 1);
    it.raiseEvent('i', 'early', 2);
    await it.advanceBy(MINUTE);
    expect(it.status('i').output).toEqual([1, 2]);
  });

  it('gives events to the newest waiter of a name first', async () => {
    const it = engine.begin();
    it.start('lifo', 'i', null);
    await it.settle();
    it.raiseEvent('i', 'x', 'first');
    it.raiseEvent('i', 'x', 'second');
    await it.settle();
    expect(it.status('i').output).toEqual(['second', 'first']);
  });

  it('loses an event to a waiter that was left behind', async () => {
    const it = engine.begin();
    it.start('staleWaiter', 'i', null);
    await it.advanceBy(MINUTE);
    it.raiseEvent('i', 'x', 'swallowed');
    await it.advanceBy(MINUTE);
    expect(it.status('i').runtimeStatus).toBe('Running');
  });

  it('refuses a pending task in a second any: the real host would schedule it twice', async () => {
    const it = engine.begin();
    it.start('twiceInAny', 'i', null);
    await it.advanceBy(MINUTE);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Failed' });
    expect(it.status('i').output).toMatch(/scheduled twice/);
  });
});
