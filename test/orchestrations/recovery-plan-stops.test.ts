import { afterEach, describe, expect, it } from '@jest/globals';
import { must } from '../support/must.ts';
import { PlanWorld } from '../support/plans/plan-world.ts';
import { commit, ranTwoGroups } from '../support/plans/two-groups.ts';

let world: PlanWorld;

afterEach(() => {
  world.dispose();
});

const withMachines = (...ids: string[]): PlanWorld => {
  world = new PlanWorld(ids);
  return world;
};

describe('a run that is cancelled', () => {
  const everywhere: readonly [string, () => boolean][] = [
    ['before anything was started', () => true],
    ['while the disks are copied', () => world.machines.begun.includes('start db')],
    [
      'when all are ready',
      () => {
        const jobs = world.memory.stores.jobs.all();
        return jobs.length === 3 && jobs.every(({ phase }) => phase === 'replicating');
      },
    ],
    ['while the first machine goes down', () => world.machines.begun.includes('failover db')],
    ['between the groups', () => world.states['db'] === 'home'],
    ['while the second group goes down', () => world.machines.begun.includes('failover web')],
    ['when all wait for the commit', () => world.record.gate?.kind === 'commit'],
  ];

  it.each(everywhere)('%s, takes back everything that is not committed', async (_when, holds) => {
    withMachines('db', 'app', 'web');
    await ranTwoGroups(world);
    await world.until(holds);
    expect((await world.call('cancelPlanRun')).status).toBe(202);
    const run = await world.untilEnd();
    expect(run).toMatchObject({ state: 'cancelled', error: { code: 'FB-RCV-007' }, gate: null });
    for (const state of Object.values(world.states))
      expect(['cancelled', 'waiting']).toContain(state);
    const jobs = world.memory.stores.jobs.all();
    expect(jobs.every(({ endedAt }) => endedAt !== null)).toBe(true);
    expect(world.memory.stores.items.all().every(({ activeJobId }) => activeJobId === null)).toBe(
      true,
    );
  });

  it('is refused once the commit was decided', async () => {
    withMachines('db', 'app', 'web');
    await ranTwoGroups(world);
    await commit(world);
    const answer = await world.call('cancelPlanRun');
    expect(answer).toMatchObject({ status: 409, json: { code: 'FB-RCV-005' } });
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('leaves a machine alone that a person has committed by itself', async () => {
    withMachines('db', 'app', 'web');
    await ranTwoGroups(world);
    await world.untilGate('commit');
    const jobId = must(world.record.machines['db']?.jobId, 'the job of db');
    await world.call('actOnFailback', { id: jobId, action: 'commit' });
    await world.until(() => world.memory.stores.jobs.must(jobId).phase === 'committing');
    await world.call('cancelPlanRun');
    const run = await world.untilEnd();
    expect(run.state).toBe('cancelled');
    expect(world.states).toMatchObject({ app: 'cancelled', web: 'cancelled' });
    await world.until(() => world.memory.stores.jobs.must(jobId).endedAt !== null);
    expect(world.memory.stores.jobs.must(jobId).state).toBe('succeeded');
  });
});

describe('a run whose orchestration was stopped from outside', () => {
  const places: readonly [string, () => boolean][] = [
    ['while the disks are copied', () => world.machines.begun.includes('start web')],
    ['while a group goes down', () => world.machines.begun.includes('failover app')],
    ['at the commit', () => world.record.gate?.kind === 'commit'],
  ];

  const terminate = (): void => {
    for (const { instanceId } of world.host.management.list(() => true)) {
      world.host.management.terminate(instanceId, 'from outside');
    }
  };

  it.each(places)('%s, is taken up by resume, and nothing is done twice', async (_where, holds) => {
    withMachines('db', 'app', 'web');
    await ranTwoGroups(world);
    await world.until(holds);
    terminate();
    await world.settle();
    expect((await world.call('resumePlanRun')).status).toBe(202);
    await commit(world);
    const run = await world.untilEnd();
    expect(run).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(new Set(world.machines.begun).size).toBe(world.machines.begun.length);
    expect(world.memory.stores.jobs.all()).toHaveLength(3);
  });

  it.each(places)('%s, is taken back by cancel', async (_where, holds) => {
    withMachines('db', 'app', 'web');
    await ranTwoGroups(world);
    await world.until(holds);
    terminate();
    await world.settle();
    await world.call('cancelPlanRun');
    expect((await world.untilEnd()).state).toBe('cancelled');
  });
});
