import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { anItem } from '../support/memory/builders.ts';
import { aWorld } from '../support/memory/memory-world.ts';
import { must } from '../support/must.ts';
import { ref } from './cases.ts';

describe('the replica of a machine with page blobs', () => {
  it('is seeded from the blobs themselves, and their access is ended as that of blobs', async () => {
    const world = aWorld();
    const disk = {
      ...must(anItem().disks[0], 'a disk of the item'),
      diskName: 'https://a.example/os.vhd',
    };
    world.stores.items.put(anItem({ disks: [{ ...disk, kind: 'pageBlob' }] }));
    const [begun, ended]: unknown[][] = [[], []];
    const { replicas } = world;
    const [beginSeed, endSeed] = [
      replicas.beginSeed.bind(replicas),
      replicas.endSeed.bind(replicas),
    ];
    replicas.beginSeed = (request) => {
      must(begun, 'the list of begun seeds').push(request);
      return beginSeed(request);
    };
    replicas.endSeed = (request) => {
      must(ended, 'the list of ended seeds').push(request);
      return endSeed(request);
    };
    const activities = createActivities(world);
    await activities.keepReplicaSeed(ref);
    replicas.finishSeeds();
    expect(await activities.readReplicaSeed(ref)).toMatchObject({ state: 'done' });
    const blob = { resourceGroup: 'rg-dr', diskName: disk.diskName, kind: 'pageBlob' };
    expect(begun).toEqual([{ ...blob, replicaName: 'web-01/os.vhd' }]);
    expect(ended).toEqual([expect.objectContaining(blob)]);
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
