import { afterEach, describe, expect, it } from '@jest/globals';
import type { Phase } from '../../shared/domain/phases.ts';
import { must } from '../support/must.ts';
import { PlanWorld } from '../support/plans/plan-world.ts';
import { commit, ranTwoGroups, TWO_GROUPS } from '../support/plans/two-groups.ts';

let world: PlanWorld;

afterEach(() => {
  world.dispose();
});

const withMachines = (...ids: string[]): PlanWorld => {
  world = new PlanWorld(ids);
  return world;
};

describe('a run of a recovery plan', () => {
  it('prepares all, fails over group by group, and commits together when a person says so', async () => {
    withMachines('db', 'app', 'web');
    await ranTwoGroups(world);
    await world.untilGate('commit');
    expect(world.states).toEqual({ db: 'home', app: 'home', web: 'home' });
    expect(world.machines.begun).toEqual([
      'start db',
      'start app',
      'start web',
      'failover db',
      'failover app',
      'failover web',
    ]);
    await commit(world);
    const run = await world.untilEnd();
    expect(run).toMatchObject({ state: 'succeeded', error: null, gate: null });
    expect(world.states).toEqual({ db: 'done', app: 'done', web: 'done' });
    expect(world.memory.stores.plans.must('plan').activeRunId).toBeNull();
  });

  it('waits for a person before the first machine goes down, unless it was told not to', async () => {
    withMachines('db', 'app', 'web');
    await world.plan(TWO_GROUPS);
    await world.run({ options: {} });
    await world.untilGate('failover');
    await world.advance(3_600_000);
    expect(world.states).toEqual({ db: 'ready', app: 'ready', web: 'ready' });
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    expect(world.states).toEqual({ db: 'home', app: 'home', web: 'home' });
  });

  it('never has more machines of a group on their way than its limit, nor more copies than the plan', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    withMachines(...ids);
    await world.plan([{ id: 'all', itemIds: ids, maxParallel: 2 }], { maxParallel: 3 });
    await world.run();
    await commit(world);
    await world.untilEnd();
    expect(Object.fromEntries(world.machines.most)).toEqual({ start: 3, failover: 2, commit: 3 });
  });

  it('waits between groups as long as it was told, and gives people the end of the pause', async () => {
    withMachines('db', 'app');
    await world.plan([{ id: 'db', pauseAfter: { seconds: 600 } }, { id: 'app' }]);
    await world.run();
    await world.until(() => world.record.gate?.kind === 'pause');
    const since = Date.parse(must(world.record.gate, 'the gate').since);
    expect(world.record).toMatchObject({ state: 'running' });
    await world.until(() => world.record.groups['app'] !== undefined);
    const app = must(world.record.groups['app'], 'the group of app');
    const passed = Date.parse(app.startedAt) - since;
    expect(passed).toBeGreaterThanOrEqual(600_000);
    expect(passed).toBeLessThan(640_000);
  });

  it('waits between groups until somebody resumes, who may also cut a timed pause short', async () => {
    withMachines('db', 'app', 'web');
    await world.plan([
      { id: 'db', pauseAfter: 'untilResumed' },
      { id: 'app', pauseAfter: { seconds: 86_400 } },
      { id: 'web', pauseAfter: 'untilResumed' },
    ]);
    await world.run();
    await world.untilGate('pause');
    await world.advance(7_200_000);
    expect(world.states).toEqual({ db: 'home', app: 'ready', web: 'ready' });
    await world.call('resumePlanRun');
    await world.until(() => world.record.gate?.key === 'pause-app');
    await world.call('resumePlanRun');
    // Behind the last group there is nothing to pause for.
    await world.untilGate('commit');
  });

  it('reports what each machine lost, how long it was down, what proves it, and when each group was through', async () => {
    withMachines('db', 'app', 'web');
    await ranTwoGroups(world);
    await commit(world);
    await world.untilEnd();
    const { json } = await world.call('getPlanRun');
    expect(json).toMatchObject({
      state: 'succeeded',
      allowedActions: [],
      counts: { done: 3 },
      report: {
        longestDowntimeSeconds: 80,
        largestDataLossSeconds: 0,
        machines: [
          {
            itemId: 'db',
            groupId: 'first',
            state: 'done',
            downtimeSeconds: 80,
            dataLossSeconds: 0,
            proof: { mismatches: 0, comparedShare: 1 },
            error: null,
          },
          { itemId: 'app', groupId: 'second' },
          { itemId: 'web', groupId: 'second' },
        ],
        groups: [
          { id: 'first', machines: 1, startedAt: expect.any(String), endedAt: expect.any(String) },
          { id: 'second', machines: 2 },
        ],
      },
    });
  });

  it('takes a machine that waits for its commit already as home', async () => {
    withMachines('db', 'app', 'web');
    const { stores } = world.memory;
    stores.items.put({ ...stores.items.must('db'), phase: 'commitPending' });
    await ranTwoGroups(world);
    await commit(world);
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.machines.begun).not.toContain('failover db');
  });

  it('leaves a machine that another job holds to that job, and says so', async () => {
    withMachines('db', 'app', 'web');
    const { stores } = world.memory;
    await world.plan([{ id: 'db' }]);
    await world.run();
    await world.untilGate('commit');
    await world.call(
      'putRecoveryPlan',
      { id: 'other' },
      { name: 'Other', groups: [{ id: 'g', name: 'g', itemIds: ['db', 'app'] }] },
    );
    const { json } = await world.call('runRecoveryPlan', { id: 'other' }, { kind: 'failback' });
    const runId = (json as { id: string }).id;
    await world.until(() => stores.planRuns.must(runId).gate?.kind === 'failure');
    expect(stores.planRuns.must(runId).machines['db']).toMatchObject({
      state: 'failed',
      error: { code: 'FB-REQ-003' },
    });
    expect(world.states).toEqual({ db: 'home' });
  });
});

describe('a rehearsal of a recovery plan', () => {
  it('rehearses group by group, without gates and without anything to commit', async () => {
    withMachines('db', 'app', 'web');
    await world.plan(TWO_GROUPS);
    await world.run({ kind: 'rehearsal', options: {} });
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.machines.begun).toEqual(['rehearse db', 'rehearse app', 'rehearse web']);
  });

  it('calls only those actions that are meant for rehearsals', async () => {
    withMachines('db');
    await world.plan([
      {
        id: 'db',
        preActions: [{ id: 'dns', kind: 'webhook' }],
        postActions: [{ id: 'check', kind: 'webhook', runsIn: ['rehearsal'] }],
      },
    ]);
    await world.run({ kind: 'rehearsal', options: {} });
    await world.untilEnd();
    expect([...world.memory.webhooks.done]).toEqual([`${world.record.id}-check`]);
    const { json } = await world.call('getPlanRun');
    expect(json).toMatchObject({
      report: {
        actions: [
          { id: 'dns', state: 'notInThisRun' },
          { id: 'check', state: 'succeeded' },
        ],
      },
    });
  });

  it('that is cancelled starts no further machine and lets those end that run', async () => {
    withMachines('db', 'app', 'web');
    await world.plan(TWO_GROUPS);
    await world.run({ kind: 'rehearsal', options: {} });
    await world.until(() => world.machines.begun.includes('rehearse db'));
    await world.call('cancelPlanRun');
    const run = await world.untilEnd();
    expect(run).toMatchObject({ state: 'cancelled', error: { code: 'FB-RCV-007' } });
    expect(world.states).toEqual({ db: 'done', app: 'waiting', web: 'waiting' });
  });
});

const BEFORE_COMMIT: readonly Phase[] = [
  'preparing',
  'initialReplication',
  'replicating',
  'shuttingDownSource',
  'finalDelta',
  'booting',
  'commitPending',
];

describe.each(BEFORE_COMMIT)('a machine that fails when it would enter %s', (phase) => {
  const isBeforeGate = ['preparing', 'initialReplication', 'replicating'].includes(phase);

  it('stops the rest where the plan says stop: nobody else goes down, and a person decides', async () => {
    withMachines('db', 'app', 'web');
    world.machines.failing.set('db', phase);
    await ranTwoGroups(world, 'stop');
    await world.untilGate('failure');
    await world.advance(3_600_000);
    expect(world.record.machines['db']).toMatchObject({
      state: 'failed',
      error: { code: 'FB-ORC-004' },
    });
    expect(world.machines.begun.filter((leg) => leg.startsWith('failover'))).toEqual(
      isBeforeGate ? [] : ['failover db'],
    );
    await world.call('resumePlanRun');
    await commit(world);
    const run = await world.untilEnd();
    expect(world.states).toEqual({ db: 'failed', app: 'done', web: 'done' });
    expect(run).toMatchObject({
      state: 'failed',
      error: { code: 'FB-RCV-006', values: { count: 1, machines: 'DB (FB-ORC-004)' } },
    });
  });

  it('does not stop the others where the plan says continue', async () => {
    withMachines('db', 'app', 'web');
    world.machines.failing.set('app', phase);
    await ranTwoGroups(world, 'continue');
    await commit(world);
    const run = await world.untilEnd();
    expect(world.states).toEqual({ db: 'done', app: 'failed', web: 'done' });
    expect(run).toMatchObject({ state: 'failed', error: { code: 'FB-RCV-006' } });
  });

  it('takes everything back to Azure where the plan says so', async () => {
    withMachines('db', 'app', 'web');
    world.machines.failing.set('web', phase);
    await ranTwoGroups(world, 'rollBack');
    const run = await world.untilEnd();
    expect(world.states).toEqual({ db: 'cancelled', app: 'cancelled', web: 'failed' });
    expect(run).toMatchObject({
      state: 'failed',
      error: { code: 'FB-RCV-006', values: { machines: 'WEB (FB-ORC-004)' } },
    });
    expect(world.memory.stores.plans.must('plan').activeRunId).toBeNull();
  });
});

describe.each(['committing', 'waitingForAgent', 'protected'] as const)(
  'a machine that fails in the commit, at %s',
  (phase) => {
    it.each(['stop', 'continue', 'rollBack'] as const)(
      'takes nobody back under %s: the others are committed, and the run names it',
      async (onFailure) => {
        withMachines('db', 'app', 'web');
        world.machines.failing.set('db', phase);
        await ranTwoGroups(world, onFailure);
        await commit(world);
        const run = await world.untilEnd();
        expect(world.states).toEqual({ db: 'failed', app: 'done', web: 'done' });
        expect(run.error).toMatchObject({ code: 'FB-RCV-006' });
      },
    );
  },
);
