import { afterEach, describe, expect, it } from '@jest/globals';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { PlanWorld } from '../support/plans/plan-world.ts';

let world: PlanWorld;

afterEach(() => {
  world.dispose();
});

async function ranTwoGroups(): Promise<void> {
  world = new PlanWorld(['db', 'app', 'web']);
  await world.plan([
    { id: 'first', itemIds: ['db'] },
    { id: 'second', itemIds: ['app', 'web'] },
  ]);
  await world.run();
}

describe('a storage that is away for longer than all retries', () => {
  const outage = new FailbackError('FB-AZ-002', { operation: 'read', code: '503', detail: '' });

  /** From the moment on nobody can read the runs. */
  const breakStorage = (): (() => void) => {
    const { planRuns } = world.memory.stores;
    const get = planRuns.get.bind(planRuns);
    planRuns.get = async () => Promise.reject(outage);
    return () => {
      planRuns.get = get;
    };
  };

  it('does not end the run: its machines wait for it, and a person takes it up', async () => {
    await ranTwoGroups();
    await world.until(() => world.machines.begun.includes('failover app'));
    const mend = breakStorage();
    await world.advance(30 * 60_000);
    mend();
    await world.until(() => world.record.state === 'interrupted');
    await world.settle();
    expect(world.record).toMatchObject({ endedAt: null, error: { code: 'FB-ORC-001' } });
    expect(world.memory.stores.plans.must('plan').activeRunId).toBe(world.record.id);
    expect((await world.call('resumePlanRun')).status).toBe(202);
    await world.untilGate('commit');
    await world.call('commitPlanRun');
    const run = await world.untilEnd();
    expect(run).toMatchObject({ state: 'succeeded', error: null, attempt: 2 });
    expect(new Set(world.machines.begun).size).toBe(world.machines.begun.length);
  });

  it('leaves a run that a person can take back', async () => {
    await ranTwoGroups();
    await world.untilGate('commit');
    const mend = breakStorage();
    await world.advance(30 * 60_000);
    mend();
    await world.until(() => world.record.state === 'interrupted');
    await world.settle();
    await world.call('cancelPlanRun');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled' });
    expect(world.states).toMatchObject({ db: 'cancelled', app: 'cancelled', web: 'cancelled' });
  });
});

describe('a machine that a cancel could not take back', () => {
  it('makes the run fail, and is named', async () => {
    await ranTwoGroups();
    await world.untilGate('commit');
    world.machines.failing.set('app', 'rollingBack');
    await world.call('cancelPlanRun');
    const run = await world.untilEnd();
    expect(run).toMatchObject({ state: 'failed', error: { code: 'FB-RCV-016' } });
    expect(run.error?.message).toContain('1 of its machines');
    expect(run.error?.message).toContain('APP');
    expect(run.error?.message).not.toContain('DB');
  });
});
