import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { aJob, anItem, NOW } from '../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../support/memory/memory-world.ts';
import { ref } from './cases.ts';

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
