import { beforeEach, describe, expect, it } from '@jest/globals';
import { createActivities } from '../../../activities/create-activities.ts';
import {
  type RecoveryPointView,
  recoveryPointViewSchema,
} from '../../../shared/contracts/http-api.ts';
import type { ProtectedItem } from '../../../shared/domain/protected-item.ts';
import { recoveryPointId } from '../../../shared/domain/newest-first.ts';
import type { RecoveryPointRecord } from '../../../shared/ports/stores.ts';
import { anItem, aJob, POINTS } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';
import { must } from '../../support/must.ts';

let world: MemoryWorld;
beforeEach(() => {
  world = aWorld();
});

describe('GET /api/protected-items/{id}/recovery-points', () => {
  const points = async (id = 'web-01') =>
    callRoute(world, 'listRecoveryPoints', { params: { id } });

  it('lists the points newest first, with what a failover to each would lose, and which is held', async () => {
    world.stores.items.put(anItem({ recoveryPoints: POINTS, pinnedPointId: 'fb-1-p0002' }));
    const answer = await points();
    const here = { place: 'onPremises', isHeld: false };
    expect(answer.status).toBe(200);
    const { value } = answer.json as { value: unknown[] };
    expect(value.map((point) => recoveryPointViewSchema.parse(point))).toEqual([
      { ...POINTS[2], ...here, expectedDataLossSeconds: 30 },
      { ...POINTS[1], place: 'onPremises', isHeld: true, expectedDataLossSeconds: 1800 },
      { ...POINTS[0], ...here, expectedDataLossSeconds: 3600 },
    ]);
    expect(world.stores.items.must('web-01').recoveryPoints).toEqual(POINTS);
  });

  it('promises no gain from a point that was taken by a clock ahead of ours', async () => {
    const ahead = { ...must(POINTS[0], 'the first point'), takenAt: '2026-03-01T12:00:05.000Z' };
    world.stores.items.put(anItem({ recoveryPoints: [ahead] }));
    expect((await points()).json).toMatchObject({ value: [{ expectedDataLossSeconds: 0 }] });
  });

  it('lists none for a machine that has none yet', async () => {
    expect((await points()).json).toEqual({ value: [] });
  });

  it('lists exactly what a failover accepts', async () => {
    world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: POINTS }));
    const { value } = (await points()).json as { value: { pointId: string }[] };
    for (const { pointId: recoveryPoint } of value) {
      world.stores.jobs.put(aJob());
      const params = { id: 'fb-1', action: 'failover' };
      const answer = await callRoute(world, 'actOnFailback', { params, body: { recoveryPoint } });
      expect(answer.status).toBe(202);
      expect(world.stores.jobs.must('fb-1').failoverTo).toBe(recoveryPoint);
    }
    expect(value).toHaveLength(3);
  });

  it('says that there is no such machine', async () => {
    expect(problemOf(await points('nobody'))).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });
});

describe('the recovery points of a machine that is home', () => {
  const at = (minute: number): string => new Date(Date.UTC(2026, 2, 1, 11, minute)).toISOString();

  function made(minute: number, changes: Partial<RecoveryPointRecord> = {}): string {
    const itemId = changes.itemId ?? 'web-01';
    const pointId = `reverse-${itemId}-${String(minute).padStart(13, '0')}`;
    const point = { itemId, pointId, takenAt: at(minute), ...changes };
    world.stores.recoveryPoints.put({
      id: recoveryPointId(itemId, point),
      place: 'azure',
      consistency: 'crashConsistent',
      ...point,
    });
    return point.pointId;
  }

  const home = (changes: Partial<ProtectedItem> = {}): void =>
    world.stores.items.put(anItem({ phase: 'protected', ...changes }));

  async function listed(query: Record<string, string> = {}): Promise<{
    readonly value: readonly RecoveryPointView[];
    readonly nextLink?: string;
  }> {
    const { status, json } = await callRoute(world, 'listRecoveryPoints', {
      params: { id: 'web-01' },
      query,
    });
    expect(status).toBe(200);
    const { value, nextLink } = json as { value: unknown[]; nextLink?: string };
    const points = value.map((point) => recoveryPointViewSchema.parse(point));
    return { value: points, ...(nextLink === undefined ? {} : { nextLink }) };
  }

  const ids = async (): Promise<readonly string[]> =>
    (await listed()).value.map(({ pointId }) => pointId);

  it.each(['reverseReplicating', 'protected'] as const)(
    'are those in Azure while it is %s, newest first, with what would be lost',
    async (phase) => {
      home({ phase, recoveryPoints: [] });
      const older = made(40);
      const newer = made(50);
      made(45, { place: 'onPremises' });
      made(55, { itemId: 'web-02' });
      made(56, { itemId: 'web' });
      const about = { consistency: 'crashConsistent', place: 'azure', isHeld: false };
      expect((await listed()).value).toEqual([
        { pointId: newer, takenAt: at(50), ...about, expectedDataLossSeconds: 600 },
        { pointId: older, takenAt: at(40), ...about, expectedDataLossSeconds: 1200 },
      ]);
    },
  );

  it('begin with the replica: snapshots of an earlier one went with it', async () => {
    world.stores.jobs.put(aJob({ report: { seededAt: at(30) } }));
    home({ lastJobId: 'fb-1' });
    made(10);
    const since = [made(50), made(40), made(30)];
    expect(await ids()).toEqual(since);
  });

  it('are what the activity recorded that seals them', async () => {
    home();
    for (const diskId of ['os', 'lun-0']) {
      const seed = { resourceGroup: 'rg', snapshotName: 's' };
      await world.replicas.beginSeed({ ...seed, replicaName: `web-01/${diskId}.vhd` });
    }
    const input = { jobId: 'fb-1', itemId: 'web-01', pointId: 'fb-1-r0', takenAt: at(20) };
    await createActivities(world).sealReplica(input);
    expect(await ids()).toEqual(['fb-1-r0']);
  });

  it('come page by page, also under ids that are longer than a token', async () => {
    const itemId = 'a'.repeat(60);
    const all: string[] = [];
    world.stores.items.put(anItem({ id: itemId, phase: 'protected' }));
    for (const minute of [50, 40, 30, 20, 10]) all.push(made(minute, { itemId }));
    const seen: string[] = [];
    let query: Record<string, string> = { limit: '2' };
    for (;;) {
      const { json } = await callRoute(world, 'listRecoveryPoints', {
        params: { id: itemId },
        query,
      });
      const { value, nextLink } = json as { value: { pointId: string }[]; nextLink?: string };
      expect(value.length).toBeLessThanOrEqual(2);
      seen.push(...value.map(({ pointId }) => pointId));
      if (nextLink === undefined) break;
      query = Object.fromEntries(new URL(nextLink).searchParams);
    }
    expect(seen).toEqual(all);
  });

  it('are none of Azure’s as soon as it replicates home again', async () => {
    made(50);
    home({ phase: 'replicating', recoveryPoints: POINTS });
    expect(await ids()).toEqual(POINTS.map(({ pointId }) => pointId).toReversed());
  });
});
