import { afterEach, describe, expect, it } from '@jest/globals';
import type { ProtectedItem, RecoveryPoint } from '../../shared/domain/protected-item.ts';
import { pinPoint } from '../../shared/services/pin-point.ts';
import { must } from '../support/must.ts';
import { PlanWorld } from '../support/plans/plan-world.ts';
import { World } from '../support/world/world.ts';

const MINUTE_MS = 60_000;

const common = (pointId: string, groupPointId: string, minute: number): RecoveryPoint => ({
  pointId,
  groupPointId,
  takenAt: new Date(Date.UTC(2026, 2, 1, 11, minute)).toISOString(),
  consistency: 'applicationConsistent',
});

describe('the common points of a plan', () => {
  let world: PlanWorld;
  afterEach(() => {
    world.dispose();
  });

  const item = (id: string): ProtectedItem => world.memory.stores.items.must(id);
  const change = (id: string, changes: Partial<ProtectedItem>): void =>
    world.memory.stores.items.put({ ...item(id), ...changes });
  const pins = () => ['db', 'app', 'web'].map((id) => item(id).pinnedPointId);
  const wentDown = (): readonly string[] =>
    world.machines.begun.filter((leg) => leg.startsWith('failover'));
  const chosen = (itemId: string): string | undefined =>
    world.memory.stores.jobs.all().find((job) => job.itemId === itemId)?.failoverTo;

  /** All machines replicate, and the run waits before the points are chosen. */
  async function ready(): Promise<void> {
    const points = {
      db: [common('db-1', 'g1', 1), common('db-2', 'g2', 20)],
      app: [common('app-1', 'g1', 1), common('app-2', 'g2', 20)],
      web: [common('web-1', 'x', 20)],
    };
    world = new PlanWorld(Object.keys(points));
    world.machines.pointsOf = (id) => points[id as keyof typeof points];
    const replicationGroups = [{ id: 'shop', itemIds: ['db', 'app'] }];
    await world.plan([{ id: 'db' }, { id: 'app' }, { id: 'web' }], { replicationGroups });
    const options = { applicationConsistentMinutes: 60 };
    await world.run({ recoveryPoint: 'latestApplicationConsistent', options });
    await world.untilGate('failover');
  }

  const sealing = { pointId: 'app-3', keepPointId: null };

  it('are pinned in all members before the first of them goes down, and in no other machine', async () => {
    await ready();
    expect(pins()).toEqual([undefined, undefined, undefined]);
    await world.call('resumePlanRun');
    await world.until(() => world.machines.begun.includes('failover db'));
    expect(pins()).toEqual(['db-2', 'app-2', undefined]);
  });

  it('wait for a seal that does not know of them, and stay when it has left them', async () => {
    await ready();
    change('app', { sealing });
    await world.call('resumePlanRun');
    await world.advance(10 * MINUTE_MS);
    expect(wentDown()).toEqual([]);
    expect(pins()).toEqual(['db-2', 'app-2', undefined]);
    const { sealing: _ended, ...sealed } = item('app');
    world.memory.stores.items.put(sealed);
    await world.untilGate('commit');
    expect([chosen('db'), chosen('app')]).toEqual(['db-2', 'app-2']);
  });

  it('do not wait for a seal that was told to keep them', async () => {
    await ready();
    change('app', { pinnedPointId: 'app-2', sealing: { pointId: 'app-3', keepPointId: 'app-2' } });
    await world.call('resumePlanRun');
    await world.untilGate('commit');
  });

  it('are others, together, when that seal has dropped one of them', async () => {
    await ready();
    change('app', { sealing });
    await world.call('resumePlanRun');
    await world.advance(MINUTE_MS);
    expect(world.record.groupPoints).toEqual({ shop: 'g2' });
    const { sealing: _ended, pinnedPointId: _dropped, ...sealed } = item('app');
    const kept = [common('app-1', 'g1', 1)];
    world.memory.stores.items.put({ ...sealed, recoveryPoints: kept });
    await world.untilGate('commit');
    expect(world.record.groupPoints).toEqual({ shop: 'g1' });
    expect([chosen('db'), chosen('app')]).toEqual(['db-1', 'app-1']);
  });

  it('hold the run before anybody goes down when that seal has left no common one', async () => {
    await ready();
    change('app', { sealing });
    await world.call('resumePlanRun');
    await world.advance(MINUTE_MS);
    const { sealing: _ended, pinnedPointId: _dropped, ...sealed } = item('app');
    world.memory.stores.items.put({ ...sealed, recoveryPoints: [common('app-3', 'g3', 50)] });
    await world.untilGate('points');
    expect(world.record.gate?.message).toContain('FB-RCV-012');
    expect(wentDown()).toEqual([]);
  });

  it('are not waited for once somebody has cancelled', async () => {
    await ready();
    change('app', { sealing });
    await world.call('resumePlanRun');
    await world.advance(MINUTE_MS);
    await world.call('cancelPlanRun');
    expect((await world.untilEnd()).state).toBe('cancelled');
    expect(wentDown()).toEqual([]);
  });

  it('stay what they were in a run that is taken up while its first machine is home', async () => {
    await ready();
    world.machines.slow.set('app', 60 * MINUTE_MS);
    await world.call('resumePlanRun');
    await world.until(() => world.states['db'] === 'home');
    for (const id of ['app', 'web']) {
      change(id, {
        recoveryPoints: [...(item(id).recoveryPoints ?? []), common(`${id}-9`, 'g9', 55)],
      });
    }
    for (const { instanceId } of world.host.management.list(() => true)) {
      world.host.management.terminate(instanceId, 'from outside');
    }
    await world.settle();
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    expect([chosen('db'), chosen('app')]).toEqual(['db-2', 'app-2']);
  });

  it('are let go at the end of the run by a machine that it leaves where it replicates', async () => {
    await ready();
    await world.call('resumePlanRun');
    await world.until(() => world.machines.begun.includes('failover db'));
    change('app', { recoveryPoints: [] });
    await world.untilGate('failure');
    expect(item('app').pinnedPointId).toBe('app-2');
    await world.call('resumePlanRun');
    await world.untilGate('commit');
    await world.call('commitPlanRun');
    expect((await world.untilEnd()).state).toBe('failed');
    expect(item('app')).toMatchObject({ phase: 'replicating' });
    expect(item('app')).not.toHaveProperty('pinnedPointId');
  });
});

describe('a machine whose point is pinned', () => {
  let world: World;
  afterEach(() => {
    world.dispose();
  });

  it('keeps it through any number of cycles, until it has gone there', async () => {
    world = await World.create();
    world.site.retainedPoints = 2;
    await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 2);
    const { pointId } = must(world.item.recoveryPoints?.[0], 'the oldest point');
    await pinPoint(world.items, 'web', pointId);
    await world.until(() => world.job().cycles.length === 7);
    expect(world.item.recoveryPoints?.[0]?.pointId).toBe(pointId);
    await world.ask('failover', pointId);
    await world.untilWaiting('commitPending');
    expect(world.job().report).toMatchObject({ recoveryPointId: pointId, proof: { pointId } });
  });

  it('drops all that are too many with the first cycle after it was let go', async () => {
    world = await World.create();
    world.site.retainedPoints = 2;
    await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 2);
    await pinPoint(world.items, 'web', must(world.item.recoveryPoints?.[0], 'a point').pointId);
    await world.until(() => world.job().cycles.length === 5);
    await world.settle();
    expect(world.item.recoveryPoints).toHaveLength(5);
    const newest = must(world.item.recoveryPoints?.at(-1), 'the newest point').pointId;
    await pinPoint(world.items, 'web', newest);
    await world.until(() => world.job().cycles.length === 6);
    expect(world.item.recoveryPoints).toHaveLength(2);
  });
});
