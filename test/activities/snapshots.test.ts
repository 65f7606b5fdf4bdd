import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import type { SnapshotRequest } from '../../shared/ports/azure.ts';
import { anItem, NOW } from '../support/memory/builders.ts';
import { aWorld } from '../support/memory/memory-world.ts';
import { must } from '../support/must.ts';
import { ref } from './cases.ts';

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
