import { afterEach, describe, expect, it } from '@jest/globals';
import * as df from 'durable-functions';
import { DurableHarness } from '../../support/durable-harness.ts';
import { must } from '../../support/must.ts';

const MINUTE = 60_000;
let harness: DurableHarness | undefined;
let calls: string[] = [];
let failing = new Set<string>();
let duringTurn: () => void = () => undefined;
let releases: (() => void)[] = [];
let endsEarly = false;

const activities = {
  step: (name: string) => {
    calls.push(name);
    if (failing.has(name)) throw new Error(`${name} broke`);
    return name;
  },
  held: async (name: string) => {
    calls.push(name);
    await new Promise<void>((resolve) => releases.push(resolve));
    return name;
  },
};

const minutesFrom = (context: df.OrchestrationContext, minutes: number): Date =>
  new Date(context.df.currentUtcDateTime.getTime() + minutes * MINUTE);

const orchestrations: Record<string, df.OrchestrationHandler> = {
  interrupted: function* (context) {
    yield context.df.callActivity('step', 'first');
    duringTurn();
    yield context.df.createTimer(minutesFrom(context, 1));
    return (yield context.df.callActivity('step', 'second')) as unknown;
  },
  interruptedAtTheEnd: function* (context) {
    yield context.df.callActivity('step', 'first');
    duringTurn();
    return 'finished';
  },
  holding: function* (context) {
    return (yield context.df.callActivity('held', context.df.getInput<string>())) as unknown;
  },
  failFast: function* (context) {
    const names = ['bad', 'slow', 'good'];
    const tasks = [
      context.df.callActivity('step', names[0]),
      context.df.callActivity('held', names[1]),
      context.df.callActivity('step', names[2]),
    ];
    return (yield context.df.Task.all(tasks)) as unknown;
  },
  settleAll: function* (context) {
    yield context.df.callActivity('step', 'before');
    const tasks = ['a', 'b', 'c'].map((name) => context.df.callActivity('step', name));
    try {
      yield context.df.Task.all(tasks);
    } catch {
      // Settled one by one below.
    }
    const failures: string[] = [];
    for (const task of tasks) {
      try {
        yield task;
      } catch (error) {
        failures.push(String(error));
      }
    }
    if (failures.length > 0) throw new Error(`${failures.length} failed`);
    return 'all';
  },
  family: function* (context) {
    const child = context.df.callSubOrchestrator('failFastChild', null, 'child');
    const sleeper = context.df.callSubOrchestrator('sleeper', null, 'sleeper');
    return (yield context.df.Task.all([child, sleeper])) as unknown;
  },
  failFastChild: function* (context) {
    return (yield context.df.callActivity('step', 'bad')) as unknown;
  },
  sleeper: function* (context) {
    yield context.df.createTimer(minutesFrom(context, 1));
    return 'slept';
  },
  ownCode: function* (context) {
    const raised: unknown = yield context.df.waitForExternalEvent('go');
    if (failing.has('code')) throw new Error('a defect in the orchestrator');
    return raised;
  },
  signals: function* (context) {
    context.df.signalEntity(new df.EntityId('counter', 'a'), 'add', 1);
    yield context.df.callActivity('step', 'after');
    return 'done';
  },
  callsEntity: function* (context) {
    return (yield context.df.callEntity(new df.EntityId('counter', 'a'), 'get')) as unknown;
  },
  early: function* (context) {
    if (endsEarly) return 'early';
    yield context.df.callActivity('step', 'first');
    return (yield context.df.waitForExternalEvent('go')) as unknown;
  },
  retriedChild: function* (context) {
    const options = new df.RetryOptions(1000, 2);
    return (yield context.df.callSubOrchestratorWithRetry('failFastChild', options)) as unknown;
  },
  sleepsAndWaits: function* (context) {
    yield context.df.Task.all([
      context.df.createTimer(minutesFrom(context, 5)),
      context.df.waitForExternalEvent('never'),
    ]);
  },
  manyAtOnce: function* (context) {
    const names = Array.from({ length: 25 }, (_unused, index) => `n${index}`);
    const tasks = names.map((name) => context.df.callActivity('held', name));
    return ((yield context.df.Task.all(tasks)) as unknown[]).length;
  },
};

function newHarness(): DurableHarness {
  calls = [];
  failing = new Set();
  releases = [];
  duringTurn = () => undefined;
  endsEarly = false;
  harness = new DurableHarness({ orchestrations, activities });
  return harness;
}

/** Lets what is not held back run: a held activity keeps the engine from being idle. */
async function breathe(): Promise<void> {
  for (let round = 0; round < 50; round += 1) await new Promise(setImmediate);
}

function releaseAll(): void {
  for (const release of releases.splice(0)) release();
}

afterEach(() => {
  releaseAll();
  harness?.dispose();
  harness = undefined;
});

describe('what happens to an instance while its orchestrator runs', () => {
  it('stays terminated when it is terminated in the middle of a turn', async () => {
    const it = newHarness();
    duringTurn = () => it.management.terminate('i', 'enough');
    it.start('interrupted', 'i', null);
    await it.advanceBy(5 * MINUTE);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Terminated', output: 'enough' });
    expect(calls).toEqual(['first']);
  });

  it('stays terminated when the same turn would have completed it', async () => {
    const it = newHarness();
    duringTurn = () => it.management.terminate('i', 'enough');
    it.start('interruptedAtTheEnd', 'i', null);
    await it.settle();
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Terminated', output: 'enough' });
  });

  it('stays suspended when it is suspended in the middle of a turn, and goes on when resumed', async () => {
    const it = newHarness();
    duringTurn = () => {
      duringTurn = () => undefined;
      it.management.suspend('i');
    };
    it.start('interrupted', 'i', null);
    await it.advanceBy(5 * MINUTE);
    expect(it.status('i').runtimeStatus).toBe('Suspended');
    expect(calls).toEqual(['first']);
    it.management.resume('i');
    await it.advanceBy(5 * MINUTE);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 'second' });
  });

  it('never gives the result of an earlier instance to a later one of the same id', async () => {
    const it = newHarness();
    it.start('holding', 'i', 'old');
    await breathe();
    it.management.terminate('i', '');
    it.start('holding', 'i', 'new');
    await breathe();
    expect(calls).toEqual(['old', 'new']);
    releases.shift()?.();
    await breathe();
    expect(it.status('i').runtimeStatus).toBe('Running');
    releaseAll();
    await it.settle();
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 'new' });
  });

  it('leaves no timer behind for an instance that ended', async () => {
    const it = newHarness();
    it.start('sleepsAndWaits', 'i', null);
    await it.settle();
    expect(it.clock.nextAt()).not.toBeNull();
    it.management.terminate('i', '');
    expect(it.clock.nextAt()).toBeNull();
  });

  it('runs at most ten activities at a time', async () => {
    const it = newHarness();
    it.start('manyAtOnce', 'i', null);
    await breathe();
    expect(calls).toHaveLength(10);
    while (it.status('i').runtimeStatus === 'Running') {
      expect(releases.length).toBeLessThanOrEqual(10);
      releaseAll();
      await breathe();
    }
    expect(it.status('i').output).toBe(25);
  });
});

describe('rewind', () => {
  it('runs siblings again that were still pending when the first failure ended the instance', async () => {
    const it = newHarness();
    failing.add('bad');
    it.start('failFast', 'i', null);
    await breathe();
    releaseAll();
    await it.settle();
    expect(it.status('i').runtimeStatus).toBe('Failed');
    failing.clear();
    expect(it.management.rewind('i')).toBe('done');
    await breathe();
    releaseAll();
    await it.settle();
    expect(it.status('i')).toMatchObject({
      runtimeStatus: 'Completed',
      output: ['bad', 'slow', 'good'],
    });
  });

  it('runs every failed sibling again, and none that succeeded', async () => {
    const it = newHarness();
    failing.add('a').add('c');
    it.start('settleAll', 'i', null);
    await it.settle();
    expect(it.status('i').output).toMatch(/2 failed/);
    failing.clear();
    calls = [];
    it.management.rewind('i');
    await it.settle();
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 'all' });
    expect(calls.toSorted()).toEqual(['a', 'c']);
  });

  it('rewinds the child that failed and takes the result of the child that ended meanwhile', async () => {
    const it = newHarness();
    failing.add('bad');
    it.start('family', 'i', null);
    await it.settle();
    expect(it.status('i').runtimeStatus).toBe('Failed');
    await it.advanceBy(2 * MINUTE);
    expect(it.status('sleeper').runtimeStatus).toBe('Completed');
    failing.clear();
    it.management.rewind('i');
    await it.settle();
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: ['bad', 'slept'] });
    expect(it.status('child').runtimeStatus).toBe('Completed');
  });

  it('gives the same event again to an orchestrator whose own code failed', async () => {
    const it = newHarness();
    failing.add('code');
    it.start('ownCode', 'i', null);
    it.raiseEvent('i', 'go', 7);
    await it.settle();
    expect(it.status('i').runtimeStatus).toBe('Failed');
    failing.clear();
    it.management.rewind('i');
    await it.settle();
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 7 });
  });
});

describe('what the host refuses', () => {
  it.each(['signals', 'callsEntity'])(
    'fails %s, which needs an entity, and says so',
    async (name) => {
      const it = newHarness();
      it.start(name, 'i', null);
      await it.settle();
      expect(it.status('i').runtimeStatus).toBe('Failed');
      expect(it.status('i').output).toMatch(
        /EntityAction is not supported by the local Functions host/,
      );
    },
  );

  it('notices an orchestrator that ends before it asks for what it asked for earlier', async () => {
    const it = newHarness();
    it.start('early', 'i', null);
    await it.settle();
    endsEarly = true;
    it.raiseEvent('i', 'go', 1);
    await it.settle();
    expect(it.status('i').output).toMatch(
      /Non-deterministic orchestration: task 0 was "activity step", in the replay it is "missing"/,
    );
  });
});

describe('sub-orchestrations with retry', () => {
  it('starts a child of its own for each attempt', async () => {
    const it = newHarness();
    failing.add('bad');
    it.start('retriedChild', 'i', null);
    await it.settle();
    failing.clear();
    await it.advanceBy(1000);
    expect(it.status('i')).toMatchObject({ runtimeStatus: 'Completed', output: 'bad' });
    const children = it.status('i').historyEvents?.filter(({ EventType }) => EventType === 7) ?? [];
    expect(children.map(({ EventId }) => EventId)).toEqual([0, 2]);
    const statuses = children.map(
      ({ InstanceId }) => it.status(must(InstanceId, 'the id of the child')).runtimeStatus,
    );
    expect(statuses).toEqual(['Failed', 'Completed']);
  });
});
