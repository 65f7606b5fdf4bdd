import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import type { RecoveryPoint } from '../../shared/domain/protected-item.ts';
import { MAX_JOB_CYCLES } from '../../shared/policy/limits.ts';
import { aJob, anItem, NOW, POINTS } from '../support/memory/builders.ts';
import { aWorld } from '../support/memory/memory-world.ts';
import { must } from '../support/must.ts';
import { CASES, ref, statistics } from './cases.ts';

describe('recordCycle', () => {
  it('notes the point, its base and its age', async () => {
    const world = aWorld();
    await createActivities(world).recordCycle(CASES.recordCycle.input);
    expect(world.stores.items.must('web-01')).toMatchObject({
      base: { os: 'fb-1-p0001-os' },
      lastRecoveryPointAt: statistics.takenAt,
      recoveryPoints: [
        { pointId: 'fb-1-p0001', takenAt: statistics.takenAt, consistency: 'crashConsistent' },
      ],
    });
    expect(world.stores.jobs.must('fb-1').cycles).toEqual([statistics]);
    expect(world.stores.recoveryPoints.all()).toMatchObject([
      {
        itemId: 'web-01',
        pointId: 'fb-1-p0001',
        place: 'onPremises',
        consistency: 'crashConsistent',
      },
    ]);
  });

  it('forgets the points that the master target forgot, and never what it does not name', async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: POINTS }));
    const point = { pointId: 'fb-1-p0004', consistency: 'applicationConsistent' } as const;
    await createActivities(world).recordCycle({
      ...CASES.recordCycle.input,
      statistics: { ...statistics, ...point },
      retainedPointIds: ['from-elsewhere', 'fb-1-p0002', 'fb-1-p0003', 'fb-1-p0004'],
    });
    const { recoveryPoints } = world.stores.items.must('web-01');
    expect(recoveryPoints).toEqual([POINTS[1], POINTS[2], { ...point, takenAt: NOW }]);
    expect(world.stores.recoveryPoints.all()).toMatchObject([point]);
  });

  it('offers no point that the master target did not retain, not even the new one', async () => {
    const world = aWorld();
    const { recordCycle } = createActivities(world);
    await recordCycle({ ...CASES.recordCycle.input, retainedPointIds: [] });
    expect(world.stores.items.must('web-01')).toMatchObject({
      recoveryPoints: [],
      lastRecoveryPointAt: statistics.takenAt,
      base: { os: 'fb-1-p0001-os' },
    });
  });

  it('of a rehearsal leaves no recovery point and does not touch the item', async () => {
    const world = aWorld();
    const item = world.stores.items.must('web-01');
    await createActivities(world).recordCycle({ ...CASES.recordCycle.input, isRehearsal: true });
    expect(world.stores.items.must('web-01')).toEqual(item);
    expect(item).not.toHaveProperty('recoveryPoints');
    expect(world.stores.recoveryPoints.all()).toEqual([]);
    expect(world.stores.jobs.must('fb-1').cycles).toHaveLength(1);
  });

  it('keeps the newest cycles of a long replication', async () => {
    const world = aWorld();
    const cycles = Array.from({ length: MAX_JOB_CYCLES }, (_, index) => ({
      ...statistics,
      cycle: index,
      pointId: `old-${index}`,
    }));
    world.stores.jobs.put(aJob({ cycles }));
    await createActivities(world).recordCycle(CASES.recordCycle.input);
    const kept = world.stores.jobs.must('fb-1').cycles.map(({ pointId }) => pointId);
    expect(kept).toHaveLength(MAX_JOB_CYCLES);
    expect(kept[0]).toBe('old-1');
    expect(kept.at(-1)).toBe('fb-1-p0001');
  });
});

describe('recovery points', () => {
  it('sort newest first by their id', async () => {
    const world = aWorld();
    const { recordCycle } = createActivities(world);
    const days = ['2026-01-01', '2026-01-02', '2027-06-30'];
    for (const [index, day] of days.entries()) {
      const point = { pointId: `p${index}`, takenAt: `${day}T00:00:00.000Z` };
      const input = { ...CASES.recordCycle.input, statistics: { ...statistics, ...point } };
      await recordCycle(input);
    }
    const points = world.stores.recoveryPoints.all().map(({ pointId }) => pointId);
    expect(points).toEqual(['p2', 'p1', 'p0']);
  });
});

describe('readFailoverChoice', () => {
  const choiceOf = async (
    failoverTo: string | undefined,
    recoveryPoints: readonly RecoveryPoint[] | undefined = POINTS,
  ): Promise<string | null> => {
    const world = aWorld();
    world.stores.items.put(anItem({ recoveryPoints }));
    world.stores.jobs.put(aJob(failoverTo === undefined ? {} : { failoverTo }));
    return (
      await createActivities(world).readFailoverChoice({ ...ref, isFinalDeltaPossible: true })
    ).pointId;
  };

  it.each([
    ['nothing', undefined, null],
    ['the latest', 'latest', null],
    ['the latest application-consistent', 'latestApplicationConsistent', 'fb-1-p0002'],
    ['one by its id', 'fb-1-p0001', 'fb-1-p0001'],
  ])('of %s is the point to boot, or the newest', async (_what, failoverTo, pointId) => {
    expect(await choiceOf(failoverTo)).toBe(pointId);
  });

  it.each(['fb-1-p0009', 'latestApplicationConsistent'])(
    'never falls back to the newest when %s is not retained any more',
    async (failoverTo) => {
      expect(await choiceOf(failoverTo, [must(POINTS[0], 'the first point')])).toBe(failoverTo);
      expect(await choiceOf(failoverTo, [])).toBe(failoverTo);
    },
  );
});
