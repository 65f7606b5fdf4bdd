import { afterEach, describe, expect, it } from '@jest/globals';
import type { RecoveryPoint } from '../../shared/domain/protected-item.ts';
import { PlanWorld } from '../support/plans/plan-world.ts';

let world: PlanWorld;

afterEach(() => {
  world.dispose();
});

const point = (
  pointId: string,
  minute: number,
  more: Partial<RecoveryPoint> = {},
): RecoveryPoint => ({
  pointId,
  takenAt: new Date(Date.UTC(2026, 2, 1, 11, minute)).toISOString(),
  consistency: 'crashConsistent',
  ...more,
});
const common = (pointId: string, groupPointId: string, minute: number): RecoveryPoint =>
  point(pointId, minute, { groupPointId, consistency: 'applicationConsistent' });

const CONSISTENT = {
  recoveryPoint: 'latestApplicationConsistent',
  options: { autoFailover: true, applicationConsistentMinutes: 60 },
};

async function started(
  points: Readonly<Record<string, readonly RecoveryPoint[]>>,
  request: Record<string, unknown> = {},
): Promise<void> {
  world = new PlanWorld(Object.keys(points));
  world.machines.pointsOf = (itemId) => points[itemId] ?? [];
  const groups = Object.keys(points).map((id) => ({ id }));
  const replicationGroups = [{ id: 'shop', itemIds: ['db', 'app'] }];
  await world.plan(groups, { replicationGroups });
  await world.run(request);
}

const chosen = (itemId: string): string | undefined =>
  world.memory.stores.jobs.all().find((job) => job.itemId === itemId)?.failoverTo;

describe('the recovery points of a plan', () => {
  it('are refused by the names of all machines that have none, before anybody goes down', async () => {
    await started({ db: [], app: [point('app-1', 5)], web: [] });
    await world.untilGate('points');
    expect(world.record.gate?.message).toContain('FB-RCV-001');
    expect(world.record.gate?.message).toContain('DB, WEB');
    expect(world.machines.begun.filter((leg) => leg.startsWith('failover'))).toEqual([]);
    await world.call('resumePlanRun');
    await world.until(() => world.record.gate?.key === 'points-1');
    const { stores } = world.memory;
    for (const id of ['db', 'web']) {
      stores.items.put({ ...stores.items.must(id), recoveryPoints: [point(`${id}-1`, 1)] });
    }
    await world.call('resumePlanRun');
    await world.untilGate('commit');
  });

  it('are each machine’s own newest with latest, also in a replication group', async () => {
    await started({ db: [common('db-1', 'g1', 1)], app: [common('app-1', 'g1', 1)] });
    await world.untilGate('commit');
    expect([chosen('db'), chosen('app')]).toEqual(['latest', 'latest']);
  });

  it('are the newest common point for a replication group, and each machine’s own for the others', async () => {
    await started(
      {
        db: [common('db-1', 'g1', 1), common('db-2', 'g2', 20), common('db-3', 'g3', 40)],
        app: [common('app-1', 'g1', 1), common('app-2', 'g2', 20)],
        web: [point('web-1', 30, { consistency: 'applicationConsistent' })],
      },
      CONSISTENT,
    );
    await world.untilGate('commit');
    expect(world.record.groupPoints).toEqual({ shop: 'g2' });
    expect([chosen('db'), chosen('app')]).toEqual(['db-2', 'app-2']);
    expect(chosen('web')).toBe('latestApplicationConsistent');
  });

  it('stay the same common point when a newer one comes while the first machine goes down', async () => {
    await started({ db: [common('db-1', 'g1', 1)], app: [common('app-1', 'g1', 1)] }, CONSISTENT);
    await world.until(() => world.machines.begun.includes('failover db'));
    const { stores } = world.memory;
    for (const id of ['db', 'app']) {
      const item = stores.items.must(id);
      const newer = [...(item.recoveryPoints ?? []), common(`${id}-2`, 'g2', 50)];
      stores.items.put({ ...item, recoveryPoints: newer });
    }
    await world.untilGate('commit');
    expect([chosen('db'), chosen('app')]).toEqual(['db-1', 'app-1']);
  });

  it('hold the run with FB-RCV-012 while a replication group has no common point', async () => {
    await started({ db: [common('db-1', 'g1', 1)], app: [common('app-1', 'g2', 20)] }, CONSISTENT);
    await world.untilGate('points');
    expect(world.record.gate?.message).toContain('FB-RCV-012');
    await world.call('cancelPlanRun');
    expect((await world.untilEnd()).state).toBe('cancelled');
  });

  it('hold the run when a machine would lose more than is accepted', async () => {
    await started(
      { db: [point('db-1', 1)], app: [point('app-1', 1)] },
      { recoveryPoint: 'latestProcessed', maxDataLossMinutes: 5 },
    );
    await world.untilGate('points');
    expect(world.record.gate?.message).toContain('FB-RCV-002');
  });

  it.each([
    ['goes home when it is asked once more', 59, 'commit', ['home', undefined]],
    ['fails alone when more would be lost now', 1, 'failure', ['failed', 'FB-RCV-002']],
  ] as const)(
    'were put back at the shutdown: the machine %s',
    async (_what, minute, gate, [state, code]) => {
      await started(
        { db: [point('db-1', 59)], app: [point('app-1', 59)] },
        { recoveryPoint: 'latestProcessed', maxDataLossMinutes: 20 },
      );
      world.machines.heldBack.add('app');
      await world.until(() => world.machines.begun.includes('hold back app'));
      const { stores } = world.memory;
      stores.items.put({ ...stores.items.must('app'), recoveryPoints: [point('app-1', minute)] });
      await world.untilGate(gate);
      expect(world.record.machines['db']).toMatchObject({ state: 'home' });
      expect(world.record.machines['app']?.state).toBe(state);
      expect(world.record.machines['app']?.error?.code).toBe(code);
    },
  );

  it('that vanish when it is the machine’s turn fail that machine alone', async () => {
    await started({ db: [common('db-1', 'g1', 1)], app: [common('app-1', 'g1', 1)] }, CONSISTENT);
    await world.until(() => world.machines.begun.includes('failover db'));
    const { stores } = world.memory;
    stores.items.put({ ...stores.items.must('app'), recoveryPoints: [] });
    await world.untilGate('failure');
    expect(world.record.machines['app']).toMatchObject({
      state: 'failed',
      error: { code: 'FB-RCV-012' },
    });
    // Its job still holds at the gate: a cancel of the run has to take it back, too.
    await world.call('cancelPlanRun');
    await world.untilEnd();
    expect(stores.jobs.all().every(({ endedAt }) => endedAt !== null)).toBe(true);
  });
});
