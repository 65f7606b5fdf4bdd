import { afterEach, describe, expect, it } from '@jest/globals';
import * as df from 'durable-functions';
import { DurableHarness } from '../../support/durable-harness.ts';

const MINUTE = 60_000;
let harness: DurableHarness | undefined;
let failuresLeft = 0;
let calls: string[] = [];
let unstable = 'work';

const activities = {
  work: (input: unknown) => {
    calls.push(`work ${JSON.stringify(input)}`);
    return input;
  },
  nothing: () => undefined,
  flaky: (input: unknown) => {
    calls.push('flaky');
    if (failuresLeft > 0) {
      failuresLeft -= 1;
      throw new Error('injected error');
    }
    return input;
  },
};

const retry = (): df.RetryOptions => {
  const options = new df.RetryOptions(1000, 3);
  options.backoffCoefficient = 2;
  return options;
};

const orchestrations: Record<string, df.OrchestrationHandler> = {
  chain: function* (context) {
    const first: unknown = yield context.df.callActivity('work', 'hello');
    const second: unknown = yield context.df.callActivity('work', { n: 1 });
    const third: unknown = yield context.df.callActivity('nothing');
    return [first, second, third ?? null];
  },
  retrying: function* (context) {
    return (yield context.df.callActivityWithRetry('flaky', retry(), 5)) as unknown;
  },
  timerOrEvent: function* (context) {
    const event = context.df.waitForExternalEvent('go');
    const timer = context.df.createTimer(
      new Date(context.df.currentUtcDateTime.getTime() + 10 * MINUTE),
    );
    const winner: unknown = yield context.df.Task.any([event, timer]);
    if (winner === event) timer.cancel();
    return winner === event ? event.result : 'timer';
  },
  parent: function* (context) {
    const ids = ['child-a', 'child-b'];
    const children = ids.map((id) => context.df.callSubOrchestrator('child', id, id));
    return (yield context.df.Task.all(children)) as unknown;
  },
  child: function* (context) {
    yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + MINUTE));
    return `${context.df.getInput<string>()} done`;
  },
  brokenChild: function* (context) {
    yield context.df.callActivity('work', 1);
    throw new Error('child broke');
  },
  parentOfBroken: function* (context) {
    try {
      yield context.df.callSubOrchestrator('brokenChild', null, 'broken');
    } catch (error) {
      return `caught ${String(error)}`;
    }
    return 'not caught';
  },
  counter: function* (context) {
    const count = context.df.getInput<number>();
    yield context.df.callActivity('work', count);
    if (count < 3) context.df.continueAsNew(count + 1);
    return count;
  },
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
  changing: function* (context) {
    yield context.df.callActivity(unstable, 1);
    yield context.df.waitForExternalEvent('go');
    return 'done';
  },
  longSleep: function* (context) {
    yield context.df.createTimer(
      new Date(context.df.currentUtcDateTime.getTime() + 30 * 24 * 60 * MINUTE),
    );
    return 'awake';
  },
};

function newHarness(): DurableHarness {
  calls = [];
  failuresLeft = 0;
  unstable = 'work';
  harness = new DurableHarness({ orchestrations, activities });
  return harness;
}

afterEach(() => {
  harness?.dispose();
  harness = undefined;
});

describe('durable engine', () => {
  it('hands strings and objects to activities as they were given, and nothing back as null', async () => {
    const it = newHarness();
    it.start('chain', 'i', null);
    await it.settle();
    expect(it.status('i')).toMatchObject({
      runtimeStatus: 'Completed',
      output: ['hello', { n: 1 }, null],
    });
    expect(calls).toEqual(['work "hello"', 'work {"n":1}']);
  });

  it('retries with growing pauses and gives up one timer after the last failure', async () => {
    const it = newHarness();
    failuresLeft = 3;
    it.start('retrying', 'i', null);
    await it.advanceBy(2999);
    expect(calls).toHaveLength(2);
    await it.advanceBy(1);
    expect(calls).toHaveLength(3);
    expect(it.status('i').runtimeStatus).toBe('Running');
    await it.advanceBy(4000);
    expect(it.status('i').runtimeStatus).toBe('Failed');
    const timers = it.status('i').historyEvents?.filter(({ EventType }) => EventType === 10);
    expect(timers?.map(({ EventId }) => EventId)).toEqual([1, 3, 5]);
  });

  it('goes on after a retry that succeeds', async () => {
    const it = newHarness();
    failuresLeft = 2;
    it.start('retrying', 'i', null);
    await it.advanceBy(10_000);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 5 });
  });

  it('lets an event beat a timer and never fires the cancelled timer', async () => {
    const it = newHarness();
    it.start('timerOrEvent', 'i', null);
    await it.advanceBy(MINUTE);
    it.raiseEvent('i', 'go', 'now');
    await it.settle();
    expect(it.status('i').output).toBe('now');
    expect(it.clock.nextAt()).toBeNull();
  });

  it('lets the timer win when no event comes', async () => {
    const it = newHarness();
    it.start('timerOrEvent', 'i', null);
    await it.advanceBy(10 * MINUTE);
    expect(it.status('i').output).toBe('timer');
  });

  it('runs sub-orchestrations side by side under the ids they were given', async () => {
    const it = newHarness();
    it.start('parent', 'i', null);
    await it.advanceBy(MINUTE);
    expect(it.status('i').output).toEqual(['child-a done', 'child-b done']);
    expect(it.status('child-b').runtimeStatus).toBe('Completed');
  });

  it('hands the failure of a sub-orchestration to its parent', async () => {
    const it = newHarness();
    it.start('parentOfBroken', 'i', null);
    await it.settle();
    expect(it.status('i').output).toMatch(/caught .*child broke/);
    expect(it.status('broken').runtimeStatus).toBe('Failed');
  });

  it('starts afresh with continueAsNew', async () => {
    const it = newHarness();
    it.start('counter', 'i', 1);
    await it.settle();
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 3, input: 3 });
    expect(calls).toEqual(['work 1', 'work 2', 'work 3']);
  });

  it('drops buffered events at continueAsNew, as the real host does', async () => {
    const it = newHarness();
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
    const it = newHarness();
    it.start('buffered', 'i', null);
    await it.settle();
    it.raiseEvent('i', 'early', 1);
    it.raiseEvent('i', 'early', 2);
    await it.advanceBy(MINUTE);
    expect(it.status('i').output).toEqual([1, 2]);
  });

  it('gives events to the newest waiter of a name first', async () => {
    const it = newHarness();
    it.start('lifo', 'i', null);
    await it.settle();
    it.raiseEvent('i', 'x', 'first');
    it.raiseEvent('i', 'x', 'second');
    await it.settle();
    expect(it.status('i').output).toEqual(['second', 'first']);
  });

  it('loses an event to a waiter that was left behind', async () => {
    const it = newHarness();
    it.start('staleWaiter', 'i', null);
    await it.advanceBy(MINUTE);
    it.raiseEvent('i', 'x', 'swallowed');
    await it.advanceBy(MINUTE);
    expect(it.status('i').runtimeStatus).toBe('Running');
  });

  it('refuses a pending task in a second any: the real host would schedule it twice', async () => {
    const it = newHarness();
    it.start('twiceInAny', 'i', null);
    await it.advanceBy(MINUTE);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Failed' });
    expect(it.status('i').output).toMatch(/scheduled twice/);
  });

  it('notices an orchestrator that is not deterministic, which the SDK does not', async () => {
    const it = newHarness();
    it.start('changing', 'i', null);
    await it.settle();
    unstable = 'nothing';
    it.raiseEvent('i', 'go');
    await it.settle();
    expect(it.status('i').output).toMatch(
      /Non-deterministic orchestration: task 0 was "activity work", in the replay it is "activity nothing"/,
    );
  });

  it('sleeps longer than the short timers of the real host', async () => {
    const it = newHarness();
    it.start('longSleep', 'i', null);
    await it.advanceBy(30 * 24 * 60 * MINUTE);
    expect(it.status('i').output).toBe('awake');
  });
});

describe('durable management', () => {
  it('holds a suspended instance until it is resumed', async () => {
    const it = newHarness();
    it.start('timerOrEvent', 'i', null);
    await it.settle();
    expect(it.management.suspend('i')).toBe('done');
    it.raiseEvent('i', 'go', 'held');
    await it.settle();
    expect(it.status('i').runtimeStatus).toBe('Suspended');
    it.management.resume('i');
    await it.settle();
    expect(it.status('i').output).toBe('held');
  });

  it('terminates for good: later events are answered with "ended"', async () => {
    const it = newHarness();
    it.start('timerOrEvent', 'i', null);
    await it.settle();
    it.management.terminate('i', 'enough');
    await it.advanceBy(20 * MINUTE);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Terminated', output: 'enough' });
    expect(it.management.raiseEvent('i', 'go', 'null')).toBe('ended');
  });

  it('rewinds a failed instance so that only the failed activity runs again', async () => {
    const it = newHarness();
    failuresLeft = 3;
    it.start('retrying', 'i', null);
    await it.advanceBy(MINUTE);
    expect(it.status('i').runtimeStatus).toBe('Failed');
    expect(it.management.rewind('i')).toBe('done');
    await it.advanceBy(MINUTE);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 5 });
    expect(it.management.rewind('i')).toBe('refused');
  });

  it('refuses a second instance of an id that still runs, and takes the id again afterwards', async () => {
    const it = newHarness();
    it.start('timerOrEvent', 'i', null);
    await it.settle();
    expect(() => it.start('timerOrEvent', 'i', null)).toThrow(/already exists/);
    it.management.terminate('i', '');
    it.start('chain', 'i', null);
    await it.settle();
    expect(it.status('i')).toMatchObject({ name: 'chain', runtimeStatus: 'Completed' });
  });

  it('purges what has ended and nothing else', async () => {
    const it = newHarness();
    it.start('chain', 'ended', null);
    it.start('timerOrEvent', 'running', null);
    await it.settle();
    expect(it.management.purge(() => true)).toBe(1);
    expect(it.management.status('ended')).toBeNull();
    expect(it.management.status('running')?.runtimeStatus).toBe('Running');
  });

  it('restarts an ended instance with its first input', async () => {
    const it = newHarness();
    it.start('counter', 'i', 3);
    await it.settle();
    expect(it.management.restart('i', false)).toBe('i');
    await it.settle();
    expect(calls).toEqual(['work 3', 'work 3']);
  });
});

describe('a host that dies', () => {
  it.each(['chain', 'retrying', 'parent', 'counter', 'parentOfBroken'])(
    'comes to the same end whichever commit of %s it dies after',
    async (name) => {
      const input = name === 'counter' ? 1 : null;
      const whole = newHarness();
      failuresLeft = 1;
      whole.start(name, 'i', input);
      await whole.advanceBy(5 * MINUTE);
      const { output, runtimeStatus } = whole.status('i');
      const commits = whole.commits;
      whole.dispose();
      expect(commits).toBeGreaterThan(2);
      for (let after = 1; after < commits; after += 1) {
        const it = newHarness();
        failuresLeft = 1;
        it.crashAfter(after);
        it.start(name, 'i', input);
        await it.advanceBy(5 * MINUTE);
        expect(it.isCrashed).toBe(true);
        await it.restart();
        await it.advanceBy(5 * MINUTE);
        expect(it.status('i')).toMatchObject({ output, runtimeStatus });
        it.dispose();
      }
      harness = undefined;
    },
  );
});
