import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { processServerName } from '../../activities/support/process-server-name.ts';
import { MAX_JOB_CYCLES } from '../../shared/policy/limits.ts';
import { aJob } from '../support/memory/builders.ts';
import { aWorld } from '../support/memory/memory-world.ts';
import { CASES, ref, statistics } from './cases.ts';

describe('recordCycle', () => {
  it('notes the point, its base and its age', async () => {
    const world = aWorld();
    await createActivities(world).recordCycle(CASES.recordCycle.input);
    expect(world.stores.items.must('web-01')).toMatchObject({
      base: { os: 'fb-1-p0001-os' },
      lastRecoveryPointAt: statistics.takenAt,
    });
    expect(world.stores.jobs.must('fb-1').cycles).toEqual([statistics]);
    expect(world.stores.recoveryPoints.all()).toMatchObject([
      { itemId: 'web-01', pointId: 'fb-1-p0001', place: 'onPremises' },
    ]);
  });

  it('of a rehearsal leaves no recovery point and does not touch the item', async () => {
    const world = aWorld();
    const item = world.stores.items.must('web-01');
    await createActivities(world).recordCycle({ ...CASES.recordCycle.input, isRehearsal: true });
    expect(world.stores.items.must('web-01')).toEqual(item);
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

describe('takeSnapshots', () => {
  it('tells the earliest instant of its disks: the point is as old as its oldest part', async () => {
    const world = aWorld();
    const { takeSnapshots } = createActivities(world);
    world.snapshots.put('p1-lun-0');
    const earliest = world.clock.now().toISOString();
    world.clock.advance(5000);
    const { takenAt } = await takeSnapshots({ ...ref, pointId: 'p1' });
    expect(takenAt).toBe(earliest);
  });
});

describe('pruneSnapshots', () => {
  it('does not touch the snapshots of another machine', async () => {
    const world = aWorld();
    world.snapshots.put('s', { itemId: 'web-02' });
    const answer = await createActivities(world).pruneSnapshots({ ...ref, keep: [] });
    expect(answer).toEqual({ deleted: 0 });
    expect([...world.snapshots.taken.keys()]).toEqual(['s']);
  });
});

describe('startReverseReplication', () => {
  it('starts one loop a machine, named after it', async () => {
    const world = aWorld();
    const { startReverseReplication } = createActivities(world);
    await startReverseReplication(ref);
    await startReverseReplication({ ...ref, jobId: 'fb-2' });
    expect(world.orchestrator.started).toEqual([
      {
        name: 'reverseReplication',
        instanceId: 'reverse-web-01',
        input: { itemId: 'web-01', cycle: 0, failures: 0 },
      },
    ]);
  });
});

describe('the name of a process server', () => {
  it.each([
    ['rg-dr', 'failback-ps-rg-dr'],
    ['RG_DR.(West)', 'failback-ps-rg-dr--west'],
    ['x'.repeat(90), `failback-ps-${'x'.repeat(40)}`],
    ['ends-with-', 'failback-ps-ends-with'],
  ])('of the resource group %s is a valid VM name', (resourceGroup, expected) => {
    const name = processServerName(resourceGroup);
    expect(name).toBe(expected);
    expect(name).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
  });
});
