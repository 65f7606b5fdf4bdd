import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { must } from '../support/must.ts';
import { processServerName } from '../../activities/support/process-server-name.ts';
import { MAX_JOB_CYCLES } from '../../shared/policy/limits.ts';
import type { RecoveryPoint } from '../../shared/domain/protected-item.ts';
import type { SnapshotRequest } from '../../shared/ports/azure.ts';
import { anItem, aJob, NOW, POINTS } from '../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../support/memory/memory-world.ts';
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

  it('asks for all disks of the machine at once, each as what it is in Azure', async () => {
    const world = aWorld();
    const blob = 'https://account.example/vhds/data.vhd';
    const [os, data] = anItem().disks;
    const disks = [
      must(os, 'the system disk'),
      { ...must(data, 'the data disk'), diskName: blob, kind: 'pageBlob' as const },
    ];
    world.stores.items.put(anItem({ disks }));
    const asked: SnapshotRequest[] = [];
    const take = world.snapshots.take.bind(world.snapshots);
    world.snapshots.take = (request) => {
      asked.push(request);
      return take(request);
    };
    await createActivities(world).takeSnapshots({ ...ref, pointId: 'p1' });
    expect(asked).toEqual([
      {
        resourceGroup: 'rg-dr',
        itemId: 'web-01',
        vmName: 'web-01-azure',
        pointId: 'p1',
        disks: [
          { id: 'os', diskName: 'web-01-os', kind: 'managedDisk' },
          { id: 'lun-0', diskName: blob, kind: 'pageBlob' },
        ],
        consistency: 'crashConsistent',
        isOneInstantWanted: false,
      },
    ]);
  });

  it('passes on that Azure gave less than was asked for, and why', async () => {
    const world = aWorld();
    const less = {
      consistency: 'crashConsistent',
      isOneInstant: false,
      reasons: ['the guest agent does not answer'],
    } as const;
    world.snapshots.offer = less;
    const { takeSnapshots } = createActivities(world);
    const wanted = { ...ref, pointId: 'p1', consistency: 'applicationConsistent' } as const;
    expect(await takeSnapshots(wanted)).toEqual({
      ...less,
      takenAt: NOW,
      snapshots: { os: 'p1-os', 'lun-0': 'p1-lun-0' },
    });
  });

  it('passes on that the applications took part when they were asked to', async () => {
    const world = aWorld();
    const { takeSnapshots } = createActivities(world);
    const wanted = { ...ref, pointId: 'p1', consistency: 'applicationConsistent' } as const;
    expect(await takeSnapshots(wanted)).toMatchObject({
      consistency: 'applicationConsistent',
      isOneInstant: true,
      reasons: [],
    });
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

  it('ends the access to what it keeps too, and to nothing of another machine', async () => {
    const world = aWorld();
    world.snapshots.put('s', { itemId: 'web-02' });
    for (const name of ['p1-os', 'p2-os']) world.snapshots.put(name);
    for (const snapshot of ['s', 'p1-os', 'p2-os']) {
      await world.snapshots.grantRead('rg-dr', { snapshot, base: null });
    }
    const answer = await createActivities(world).pruneSnapshots({ ...ref, keep: ['p2-os'] });
    expect(answer).toEqual({ deleted: 1 });
    expect([...world.snapshots.taken.keys()].toSorted()).toEqual(['p2-os', 's']);
    expect([...world.snapshots.openReads]).toEqual(['s']);
  });

  it('names the page blobs whose snapshots are to go, which no resource group knows', async () => {
    const world = aWorld();
    const disk = {
      ...must(anItem().disks[0], 'a disk of the item'),
      diskName: 'https://a.example/os.vhd',
    };
    world.stores.items.put(anItem({ disks: [{ ...disk, kind: 'pageBlob' }] }));
    const asked: Parameters<typeof world.snapshots.prune>[0][] = [];
    world.snapshots.prune = async (request) => {
      asked.push(request);
      return { deleted: 3 };
    };
    const answer = await createActivities(world).pruneSnapshots({ ...ref, keep: ['x'] });
    expect(answer).toEqual({ deleted: 3 });
    expect(asked).toEqual([
      {
        resourceGroup: 'rg-dr',
        itemId: 'web-01',
        disks: [{ id: 'os', diskName: 'https://a.example/os.vhd', kind: 'pageBlob' }],
        keep: ['x'],
      },
    ]);
  });
});

describe('the replica of a machine', () => {
  const begun = (world: MemoryWorld): unknown[] => {
    const requests: unknown[] = [];
    const { replicas } = world;
    const beginSeed = replicas.beginSeed.bind(replicas);
    replicas.beginSeed = (request) => {
      requests.push(request);
      return beginSeed(request);
    };
    return requests;
  };
  const base = { os: 'p2-os', 'lun-0': 'p2-lun-0' };

  it.each([undefined, true, false])(
    'is made of the snapshots of the last sealed point, a last delta sent or not: %s',
    async (isFinalDeltaSent) => {
      const world = aWorld();
      world.stores.items.put(anItem({ base }));
      const report = isFinalDeltaSent === undefined ? {} : { isFinalDeltaSent };
      world.stores.jobs.put(aJob({ report }));
      const requests = begun(world);
      expect(await createActivities(world).keepReplicaSeed(ref)).toEqual({ seededAt: null });
      expect(requests).toEqual([
        { resourceGroup: 'rg-dr', snapshotName: 'p2-os', replicaName: 'web-01/os.vhd' },
        { resourceGroup: 'rg-dr', snapshotName: 'p2-lun-0', replicaName: 'web-01/lun-0.vhd' },
      ]);
    },
  );

  it('is not begun for one disk when the snapshot of another is not known', async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ base: { os: 'p2-os' } }));
    const requests = begun(world);
    await expect(createActivities(world).keepReplicaSeed(ref)).rejects.toMatchObject({
      code: 'FB-ORC-009',
    });
    expect(requests).toEqual([]);
  });

  it('that was seen complete is left alone, also when the snapshots are gone', async () => {
    const world = aWorld();
    world.stores.jobs.put(aJob({ report: { seededAt: NOW } }));
    const requests = begun(world);
    expect(await createActivities(world).keepReplicaSeed(ref)).toEqual({ seededAt: NOW });
    expect(requests).toEqual([]);
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
    return (await createActivities(world).readFailoverChoice(ref)).pointId;
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
    ['RG-DR', 'failback-ps-rg-dr'],
    ['RG_DR.(West)', 'failback-ps-rg-dr--west-'],
    ['x'.repeat(90), `failback-ps-${'x'.repeat(40)}-`],
    ['ends-with-', 'failback-ps-ends-with-'],
    ['Ünïcode', 'failback-ps--n-code-'],
  ])('of the resource group %s is a valid VM name', (resourceGroup, expected) => {
    const name = processServerName(resourceGroup);
    // What was cut or replaced leaves six letters of a digest.
    if (expected.endsWith('-')) expect(name.slice(0, -6)).toBe(expected);
    else expect(name).toBe(expected);
    expect(name).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/);
  });

  it('is the same for one group in any case, and another for every other group', () => {
    const groups = ['rg.dr', 'rg_dr', 'rg-dr', 'rg-dr-', `${'x'.repeat(40)}a`, 'x'.repeat(41)];
    expect(new Set(groups.map(processServerName)).size).toBe(groups.length);
    for (const group of groups) {
      expect(processServerName(group.toUpperCase())).toBe(processServerName(group));
    }
  });
});

describe('gatherRecordFacts of a machine that names no master target', () => {
  const { masterTarget: _none, ...target } = anItem().target;

  it('lists those that are registered, with the disks of others that are on their way to each', async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ target }));
    const others = [
      anItem({ id: 'moving', phase: 'replicating' }),
      anItem({ id: 'chosen', phase: 'booting', target, chosenMasterTarget: 'mt1' }),
      anItem({ id: 'rehearsed', activeJobId: 'rh-1' }),
      anItem({ id: 'elsewhere', phase: 'replicating', target, chosenMasterTarget: 'mt2' }),
      anItem({ id: 'idle' }),
      anItem({ id: 'home', phase: 'protected' }),
    ];
    for (const other of others) world.stores.items.put(other);
    const input = { itemId: 'web-01', placement: {} };
    const { masterTargets, masterTarget } = await createActivities(world).gatherRecordFacts(input);
    expect(masterTarget).toBeNull();
    expect(masterTargets).toMatchObject([{ name: 'mt1', load: null, committedDiskCount: 6 }]);
  });

  it('lists none for one that is named for this run', async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ target }));
    const input = { itemId: 'web-01', placement: { masterTarget: 'mt1' } };
    const facts = await createActivities(world).gatherRecordFacts(input);
    expect(facts.masterTargets).toBeUndefined();
    expect(facts.masterTarget).toMatchObject({ name: 'mt1' });
  });
});

describe('recordMasterTarget', () => {
  it('binds the item to no master target when none fits', async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ activeJobId: 'fb-1', chosenMasterTarget: 'mt9' }));
    await createActivities(world).recordMasterTarget({ ...ref, choice: null });
    expect(world.stores.items.must('web-01').chosenMasterTarget).toBeUndefined();
    expect(world.stores.jobs.must('fb-1').history).toEqual([]);
  });
});
