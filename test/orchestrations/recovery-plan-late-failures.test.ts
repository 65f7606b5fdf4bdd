import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import type { FailurePolicy } from '../../shared/domain/recovery-plan.ts';
import type { RecoveryPoint } from '../../shared/domain/protected-item.ts';
import { PlanWorld } from '../support/plans/plan-world.ts';

let world: PlanWorld;

beforeEach(() => {
  world = new PlanWorld(['db', 'app', 'web']);
});

afterEach(() => {
  world.dispose();
});

const GROUPS = [{ id: 'db' }, { id: 'app' }, { id: 'web' }];
const LATER_MS = 60_000;

const hasGoneDown = (): readonly string[] =>
  world.machines.begun.flatMap((leg) => (leg.startsWith('failover ') ? [leg.slice(9)] : []));

const point = (itemId: string, minute: number): RecoveryPoint => ({
  pointId: `${itemId}-p1`,
  takenAt: new Date(Date.UTC(2026, 2, 1, 12, minute)).toISOString(),
  consistency: 'crashConsistent',
});

const givePoint = (itemId: string, minute: number): void => {
  const { items } = world.memory.stores;
  items.put({ ...items.must(itemId), recoveryPoints: [point(itemId, minute)] });
};

describe('a machine that fails while it holds at its gate', () => {
  const ready = async (onFailure: FailurePolicy): Promise<void> => {
    await world.plan(GROUPS, { onFailure });
    await world.run({ options: { autoFailover: false } });
    await world.untilGate('failover');
    world.machines.breakDown('app');
    await world.advance(LATER_MS);
    expect(world.memory.stores.items.must('app').phase).toBe('failedOver');
  };

  it('stops the plan before anybody goes down, and a person goes on without it', async () => {
    await ready('stop');
    await world.call('resumePlanRun');
    await world.untilGate('failure');
    expect(world.record.machines['app']).toMatchObject({
      state: 'failed',
      error: { code: 'FB-ORC-004' },
    });
    expect(hasGoneDown()).toEqual([]);
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    expect(hasGoneDown()).toEqual(['db', 'web']);
    await world.call('commitPlanRun');
    const { state, error } = await world.untilEnd();
    expect([state, error?.message]).toEqual(['failed', expect.stringContaining('APP')]);
  });

  it('is left out where the plan goes on', async () => {
    await ready('continue');
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    expect(hasGoneDown()).toEqual(['db', 'web']);
    expect(Object.keys(world.record.decisions)).toEqual(['failover']);
  });

  it('takes all others back where the plan says so, and nobody went down', async () => {
    await ready('rollBack');
    await world.call('resumePlanRun');
    expect(await world.untilEnd()).toMatchObject({
      state: 'failed',
      error: { code: 'FB-RCV-006', values: { machines: 'APP (FB-ORC-004)' } },
    });
    expect(hasGoneDown()).toEqual([]);
    expect(world.memory.stores.jobs.all().every(({ endedAt }) => endedAt !== null)).toBe(true);
  });

  it('is waited for while it is still on its way back', async () => {
    await world.plan(GROUPS, { onFailure: 'stop' });
    await world.run({ options: { autoFailover: false } });
    await world.untilGate('failover');
    world.machines.breakDown('app');
    await world.call('resumePlanRun');
    expect(world.states).toMatchObject({ db: 'ready', app: 'rollingBack', web: 'ready' });
    await world.untilGate('failure');
    expect(hasGoneDown()).toEqual([]);
  });

  it('hands the run over to its policy also where others wait for a recovery point', async () => {
    world.machines.pointsOf = (itemId) => (itemId === 'web' ? [] : [point(itemId, 0)]);
    await world.plan(GROUPS, { onFailure: 'stop' });
    await world.run();
    await world.untilGate('points');
    world.machines.breakDown('app');
    await world.advance(LATER_MS);
    await world.call('resumePlanRun');
    await world.untilGate('failure');
    await world.call('resumePlanRun');
    await world.untilGate('points');
    expect(world.record.gate?.message).toContain('WEB');
    givePoint('web', 5);
    // It fails as well, after the gate of the first: both have gates of their own.
    world.machines.breakDown('db');
    await world.advance(LATER_MS);
    await world.call('resumePlanRun');
    await world.untilGate('failure');
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    expect(hasGoneDown()).toEqual(['web']);
    expect(Object.keys(world.record.decisions).toSorted()).toEqual([
      'failure-0',
      'failure-1',
      'points-0',
      'points-1',
    ]);
  });
});

describe('machines without the recovery point that is wanted', () => {
  const heldUp = async (): Promise<void> => {
    world.machines.pointsOf = (itemId) => [point(itemId, itemId === 'app' ? -40 : 0)];
    await world.plan(GROUPS);
    await world.run({ recoveryPoint: 'latestProcessed', maxDataLossMinutes: 20 });
    await world.untilGate('points');
  };
  const errorOf = (itemId: string): string | undefined =>
    world.record.machines[itemId]?.error?.code;

  it('say why they are refused for as long as they are', async () => {
    await heldUp();
    expect(['db', 'app', 'web'].map(errorOf)).toEqual([undefined, 'FB-RCV-002', undefined]);
    expect(world.states['app']).toBe('ready');
    givePoint('app', 0);
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    expect(errorOf('app')).toBeUndefined();
    expect(hasGoneDown()).toEqual(['db', 'app', 'web']);
  });

  it('are left where they are when somebody goes on without them', async () => {
    await heldUp();
    expect((await world.call('resumePlanRun', {}, { skip: true })).status).toBe(202);
    await world.untilGate('commit');
    expect(hasGoneDown()).toEqual(['db', 'web']);
    expect(world.record.machines['app']).toMatchObject({ state: 'failed', isLeftBehind: true });
    await world.call('commitPlanRun');
    const { state, error } = await world.untilEnd();
    expect([state, error]).toEqual([
      'failed',
      errorRecord('FB-RCV-006', { count: 1, machines: 'APP (FB-RCV-002)' }),
    ]);
    expect(world.memory.stores.jobs.all().find(({ itemId }) => itemId === 'app')).toMatchObject({
      phase: 'replicating',
      endedAt: null,
    });
  });

  it('are taken back, too, when the run is cancelled afterwards', async () => {
    await heldUp();
    await world.call('resumePlanRun', {}, { skip: true });
    await world.untilGate('commit');
    await world.call('cancelPlanRun');
    expect((await world.untilEnd()).state).toBe('cancelled');
    expect(world.memory.stores.jobs.all().every(({ endedAt }) => endedAt !== null)).toBe(true);
  });

  it('hold the run again when they are others than the person saw', async () => {
    await heldUp();
    givePoint('web', -50);
    await world.call('resumePlanRun', {}, { skip: true });
    await world.until(() => world.record.gate?.key === 'points-1');
    expect(world.record.gate?.message).toContain('WEB');
    expect(world.states).toMatchObject({ app: 'failed', web: 'ready' });
    expect(hasGoneDown()).toEqual([]);
  });

  it('of a replication group without a common point are left behind together', async () => {
    const options = { autoFailover: true, applicationConsistentMinutes: 60 };
    world.machines.pointsOf = (itemId) => [
      { ...point(itemId, 0), consistency: 'applicationConsistent', groupPointId: `g-${itemId}` },
    ];
    const replicationGroups = [{ id: 'shop', itemIds: ['db', 'app'] }];
    await world.plan(GROUPS, { replicationGroups });
    await world.run({ recoveryPoint: 'latestApplicationConsistent', options });
    await world.untilGate('points');
    expect(['db', 'app', 'web'].map(errorOf)).toEqual(['FB-RCV-012', 'FB-RCV-012', undefined]);
    await world.call('resumePlanRun', {}, { skip: true });
    await world.untilGate('commit');
    expect(hasGoneDown()).toEqual(['web']);
  });
});
