import { beforeEach, describe, expect, it } from '@jest/globals';
import type * as df from 'durable-functions';
import { MINUTE, useEngine } from './engine-fixture.ts';

/** The activity that `changing` calls. */
let unstable = 'work';

const orchestrations: Record<string, df.OrchestrationHandler> = {
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
const engine = useEngine(orchestrations);

beforeEach(() => {
  unstable = 'work';
});

describe('durable engine', () => {
  it('hands strings and objects to activities as they were given, and nothing back as null', async () => {
    const it = engine.begin();
    it.start('chain', 'i', null);
    await it.settle();
    expect(it.status('i')).toMatchObject({
      runtimeStatus: 'Completed',
      output: ['hello', { n: 1 }, null],
    });
    expect(engine.calls).toEqual(['work "hello"', 'work {"n":1}']);
  });

  it('retries with growing pauses and gives up one timer after the last failure', async () => {
    const it = engine.begin();
    engine.failuresLeft = 3;
    it.start('retrying', 'i', null);
    await it.advanceBy(2999);
    expect(engine.calls).toHaveLength(2);
    await it.advanceBy(1);
    expect(engine.calls).toHaveLength(3);
    expect(it.status('i').runtimeStatus).toBe('Running');
    await it.advanceBy(4000);
    expect(it.status('i').runtimeStatus).toBe('Failed');
    const timers = it.status('i').historyEvents?.filter(({ EventType }) => EventType === 10);
    expect(timers?.map(({ EventId }) => EventId)).toEqual([1, 3, 5]);
  });

  it('goes on after a retry that succeeds', async () => {
    const it = engine.begin();
    engine.failuresLeft = 2;
    it.start('retrying', 'i', null);
    await it.advanceBy(10_000);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 5 });
  });

  it('runs sub-orchestrations side by side under the ids they were given', async () => {
    const it = engine.begin();
    it.start('parent', 'i', null);
    await it.advanceBy(MINUTE);
    expect(it.status('i').output).toEqual(['child-a done', 'child-b done']);
    expect(it.status('child-b').runtimeStatus).toBe('Completed');
  });

  it('hands the failure of a sub-orchestration to its parent', async () => {
    const it = engine.begin();
    it.start('parentOfBroken', 'i', null);
    await it.settle();
    expect(it.status('i').output).toMatch(/caught .*child broke/);
    expect(it.status('broken').runtimeStatus).toBe('Failed');
  });

  it('starts afresh with continueAsNew', async () => {
    const it = engine.begin();
    it.start('counter', 'i', 1);
    await it.settle();
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 3, input: 3 });
    expect(engine.calls).toEqual(['work 1', 'work 2', 'work 3']);
  });

  it('notices an orchestrator that is not deterministic, which the SDK does not', async () => {
    const it = engine.begin();
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
    const it = engine.begin();
    it.start('longSleep', 'i', null);
    await it.advanceBy(30 * 24 * 60 * MINUTE);
    expect(it.status('i').output).toBe('awake');
  });
});
