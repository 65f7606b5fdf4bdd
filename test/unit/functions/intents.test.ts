import { beforeEach, describe, expect, it } from '@jest/globals';
import { jobViewSchema } from '../../../shared/contracts/http-api.ts';
import { type Phase, PHASES } from '../../../shared/domain/phases.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { aCommand, anItem, aJob, NOW, POINTS } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';
import { must } from '../../support/must.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = aWorld();
});

describe('POST /api/failbacks/{id}/{action}', () => {
  const ask = (action: string, id = 'fb-1') =>
    callRoute(world, 'actOnFailback', { params: { id, action } });

  it('records what is wanted, then wakes whoever may wait for it', async () => {
    const answer = await ask('failover');
    expect(answer.status).toBe(202);
    expect(world.stores.jobs.must('fb-1').intents).toEqual({ failover: NOW });
    expect(world.orchestrator.woken).toEqual([
      'fb-1-replication intent',
      'fb-1-commit-gate intent',
    ]);
  });

  it('asked twice, keeps the time of the first and wakes again: the first event may be lost', async () => {
    await ask('cancel');
    world.clock.advance(60_000);
    const again = await ask('cancel');
    expect(again.status).toBe(202);
    expect(world.stores.jobs.must('fb-1').intents).toEqual({ cancel: NOW });
    expect(world.orchestrator.woken).toHaveLength(4);
  });

  const expected: Readonly<Record<Phase, readonly string[]>> = {
    failedOver: ['failover', 'cancel'],
    preparing: ['failover', 'cancel'],
    initialReplication: ['failover', 'cancel'],
    replicating: ['failover', 'cancel'],
    shuttingDownSource: ['cancel'],
    finalDelta: ['cancel'],
    booting: ['cancel'],
    bootFailed: ['cancel', 'resume'],
    commitPending: ['commit', 'cancel'],
    committing: [],
    waitingForAgent: [],
    reverseReplicating: [],
    protected: [],
    rollingBack: [],
  };

  it.each(
    PHASES.flatMap((phase) =>
      (['failover', 'commit', 'cancel'] as const).map((action) => ({
        phase,
        action,
        status: expected[phase].includes(action) ? 202 : 409,
      })),
    ),
  )('$action in $phase answers $status', async ({ phase, action, status }) => {
    world.stores.jobs.put(aJob({ phase }));
    world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: POINTS }));
    const answer = await ask(action);
    expect(answer.status).toBe(status);
    const { intents } = world.stores.jobs.must('fb-1');
    expect(intents).toEqual(status === 202 ? { [action]: NOW } : {});
    if (status === 202) return;
    expect(problemOf(answer).code).toBe('FB-REQ-004');
    expect(world.orchestrator.woken).toEqual([]);
  });

  it.each(PHASES)(
    'the view of a job in %s offers exactly what would be accepted',
    async (phase) => {
      world.stores.jobs.put(aJob({ phase }));
      const view = await callRoute(world, 'getFailback', { params: { id: 'fb-1' } });
      expect(jobViewSchema.parse(view.json).allowedActions).toEqual(expected[phase]);
    },
  );

  it.each(['succeeded', 'failed', 'cancelled'] as const)(
    'cancel is refused for a job that has %s, and its view offers no gate',
    async (state) => {
      world.stores.jobs.put(aJob({ state, phase: 'replicating', endedAt: NOW }));
      const answer = await ask('cancel');
      expect(problemOf(answer)).toMatchObject({ status: 409, code: 'FB-REQ-007' });
      const view = await callRoute(world, 'getFailback', { params: { id: 'fb-1' } });
      const { allowedActions, progress } = jobViewSchema.parse(view.json);
      expect(allowedActions).toEqual(state === 'succeeded' ? [] : ['restart']);
      expect(progress).toBeNull();
    },
  );

  it('of a rehearsal only asks to stop: it has no gates', async () => {
    world.stores.jobs.put(aJob({ operation: 'rehearsal', phase: 'initialReplication' }));
    expect((await ask('failover')).status).toBe(409);
    expect((await ask('cancel')).status).toBe(202);
  });

  it('says that there is no such job', async () => {
    expect(problemOf(await ask('cancel', 'fb-9'))).toMatchObject({
      status: 404,
      code: 'FB-REQ-002',
    });
  });

  it.each(['delete', 'Commit', ''])('refuses the action %j', async (action) => {
    const answer = await ask(action);
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'FB-REQ-001' });
    expect(world.stores.jobs.must('fb-1').intents).toEqual({});
  });

  it('does not lose what another request wanted at the same moment', async () => {
    let isFirst = true;
    world.stores.jobs.beforeReplace = async () => {
      if (!isFirst) return;
      isFirst = false;
      await ask('failover');
    };
    await ask('cancel');
    expect(world.stores.jobs.must('fb-1').intents).toEqual({ cancel: NOW, failover: NOW });
  });

  it('refuses a commit that was right when it was asked and is wrong when it is written', async () => {
    world.stores.jobs.put(aJob({ phase: 'commitPending' }));
    world.stores.jobs.beforeReplace = () => {
      world.stores.jobs.beforeReplace = () => undefined;
      world.stores.jobs.put(aJob({ phase: 'rollingBack' }));
    };
    expect((await ask('commit')).status).toBe(409);
    expect(world.stores.jobs.must('fb-1').intents).toEqual({});
  });
});

describe('asking for a failover to a recovery point', () => {
  const ask = (body?: unknown, action = 'failover') =>
    callRoute(world, 'actOnFailback', { params: { id: 'fb-1', action }, body });
  const chosen = () => world.stores.jobs.must('fb-1').failoverTo;

  beforeEach(() => {
    world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: POINTS }));
  });

  it.each([
    ['no body', undefined],
    ['an empty body', ''],
    ['a body of blanks', ' \n'],
    ['an empty object', {}],
  ])('means the newest with %s', async (_what, body) => {
    expect((await ask(body)).status).toBe(202);
    expect(chosen()).toBe('latest');
  });

  it.each(['latest', 'latestApplicationConsistent', 'fb-1-p0001'])(
    'keeps %s together with the intent',
    async (recoveryPoint) => {
      expect((await ask({ recoveryPoint })).status).toBe(202);
      expect(world.stores.jobs.must('fb-1')).toMatchObject({
        intents: { failover: NOW },
        failoverTo: recoveryPoint,
      });
      expect(world.orchestrator.woken).toHaveLength(2);
    },
  );

  it('keeps the wish as such: a newer application-consistent point may come until then', async () => {
    await ask({ recoveryPoint: 'latestApplicationConsistent' });
    expect(chosen()).toBe('latestApplicationConsistent');
  });

  it.each([
    ['an id that is not retained', 'fb-1-p0009', POINTS],
    [
      'no application-consistent one',
      'latestApplicationConsistent',
      [must(POINTS[0], 'the first point')],
    ],
  ])('is refused when there is %s, and nothing is kept', async (_what, recoveryPoint, points) => {
    world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: points }));
    const before = world.stores.jobs.must('fb-1');
    const answer = await ask({ recoveryPoint });
    expect(problemOf(answer)).toMatchObject({
      status: 409,
      code: 'FB-REQ-010',
      detail: `Web server 1 has no recovery point ${recoveryPoint} on-premises.`,
    });
    expect(world.stores.jobs.must('fb-1')).toEqual(before);
    expect(world.orchestrator.woken).toEqual([]);
  });

  it('may be for the newest before there is any: the order waits for the first', async () => {
    world.stores.items.put(anItem({ activeJobId: 'fb-1' }));
    expect((await ask({ recoveryPoint: 'latest' })).status).toBe(202);
  });

  it.each(['latest', 'latestProcessed', 'latestApplicationConsistent', 'fb-1-p0001'])(
    'is refused at the gate for %s while there is no recovery point at all, by the name of the machine',
    async (recoveryPoint) => {
      world.stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'replicating' }));
      world.stores.jobs.put(aJob({ phase: 'replicating' }));
      expect(problemOf(await ask({ recoveryPoint }))).toMatchObject({
        status: 409,
        code: 'FB-RCV-001',
        detail: 'No recovery point on-premises that could be failed over to: Web server 1.',
      });
      expect(world.stores.jobs.must('fb-1').intents).toEqual({});
    },
  );

  it.each([
    ['latest', 0, 202],
    ['latestProcessed', 0.4, 409],
    ['latestProcessed', 0.5, 202],
    ['latestApplicationConsistent', 29.9, 409],
    ['latestApplicationConsistent', 30, 202],
    ['fb-1-p0001', 59, 409],
    ['fb-1-p0001', 60, 202],
  ])('to %s with at most %d minutes lost answers %d', async (recoveryPoint, minutes, status) => {
    world.stores.jobs.put(aJob({ phase: 'replicating' }));
    const answer = await ask({ recoveryPoint, maxDataLossMinutes: minutes });
    expect(answer.status).toBe(status);
    if (status === 409) expect(problemOf(answer).code).toBe('FB-RCV-002');
    expect(Object.keys(world.stores.jobs.must('fb-1').intents)).toHaveLength(
      status === 202 ? 1 : 0,
    );
  });

  it('refuses a negative loss', async () => {
    expect((await ask({ maxDataLossMinutes: -1 })).status).toBe(400);
  });

  it.each([
    ['a misspelt field', { recoveryPiont: 'fb-1-p0001' }, ''],
    ['an id that is none', { recoveryPoint: '../etc' }, 'recoveryPoint'],
    ['a text that is no JSON', '{"recoveryPoint"', ''],
  ])('is refused for %s: the newest must not be booted by mistake', async (_what, body, path) => {
    const answer = await ask(body);
    expect(problemOf(answer)).toMatchObject({
      status: 400,
      code: 'FB-REQ-001',
      problems: [{ path }],
    });
    expect(world.stores.jobs.must('fb-1').intents).toEqual({});
  });

  it('does not let a second request move the point that the first one chose', async () => {
    await ask({ recoveryPoint: 'fb-1-p0001' });
    await ask({ recoveryPoint: 'fb-1-p0002' });
    await ask();
    expect(chosen()).toBe('fb-1-p0001');
  });

  it('says that there is no such job, whatever point is asked for', async () => {
    const params = { id: 'fb-9', action: 'failover' };
    const body = { recoveryPoint: 'fb-1-p0001' };
    const answer = await callRoute(world, 'actOnFailback', { params, body });
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });

  it.each(['commit', 'cancel'])('leaves no choice behind with %s', async (action) => {
    world.stores.jobs.put(aJob({ phase: 'commitPending' }));
    expect((await ask({ recoveryPoint: 'fb-1-p0001' }, action)).status).toBe(202);
    expect(world.stores.jobs.must('fb-1')).not.toHaveProperty('failoverTo');
  });
});

describe('cancelling', () => {
  it('breaks off the transfers of this job and wakes their waiters, and lets all else finish', async () => {
    const transfer = { name: 'replicateDisk', instanceId: 'waiter' } as const;
    world.stores.commands.put(aCommand({ ...transfer, id: 'fb-1.disk-os' }));
    world.stores.commands.put(aCommand({ id: 'fb-1.verify', name: 'verifyDisks' }));
    world.stores.commands.put(aCommand({ id: 'fb-1.seal', name: 'sealRecoveryPoint' }));
    world.stores.commands.put(aCommand({ ...transfer, id: 'fb-2.disk-os' }));
    const done = success({ any: 'thing' });
    world.stores.commands.put(aCommand({ ...transfer, id: 'fb-1.disk-lun-0', result: done }));
    const params = { id: 'fb-1', action: 'cancel' };
    await callRoute(world, 'actOnFailback', { params });
    const resultOf = (id: string) => world.stores.commands.must(id).result;
    const cancelled = failure(errorRecord('FB-ORC-005'));
    expect(resultOf('fb-1.disk-os')).toEqual(cancelled);
    expect(resultOf('fb-1.verify')).toEqual(cancelled);
    expect(resultOf('fb-1.seal')).toBeNull();
    expect(resultOf('fb-2.disk-os')).toBeNull();
    expect(resultOf('fb-1.disk-lun-0')).toEqual(done);
    expect(world.orchestrator.woken).toContain('waiter command:fb-1.disk-os');
  });

  it.each(['sealRecoveryPoint', 'rewindToPoint', 'growDisks'] as const)(
    'breaks off %s while it waits for room, which may take days, and lets it finish once it works',
    async (name) => {
      const working = {
        bytesDone: 0,
        bytesTotal: 1,
        rangesDone: 0,
        rangesTotal: 0,
        wireBytes: 0,
        bytesPerSecond: 0,
      };
      const health = errorRecord('FB-JRN-004', { volume: '/retention' });
      world.stores.commands.put(
        aCommand({ id: 'fb-1.waits', name, progress: { ...working, health } }),
      );
      world.stores.commands.put(aCommand({ id: 'fb-1.works', name, progress: working }));
      await callRoute(world, 'actOnFailback', { params: { id: 'fb-1', action: 'cancel' } });
      const resultOf = (id: string) => world.stores.commands.must(id).result;
      expect(resultOf('fb-1.waits')).toEqual(failure(errorRecord('FB-ORC-005')));
      expect(resultOf('fb-1.works')).toBeNull();
    },
  );

  it('of anything else than the whole failback breaks nothing off', async () => {
    world.stores.commands.put(aCommand({ id: 'fb-1.disk-os', name: 'replicateDisk' }));
    await callRoute(world, 'actOnFailback', { params: { id: 'fb-1', action: 'failover' } });
    expect(world.stores.commands.must('fb-1.disk-os').result).toBeNull();
  });
});
