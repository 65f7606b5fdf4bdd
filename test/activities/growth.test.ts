import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { MAX_DISK_BYTES } from '../../shared/policy/preflight-limits.ts';
import { anItem } from '../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../support/memory/memory-world.ts';
import { ref } from './cases.ts';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;

/** Azure says that the system disk, recorded with 64 MiB, has so many bytes. */
function withOsDiskOf(sizeBytes: number): MemoryWorld {
  const world = aWorld();
  world.snapshots.sizes = { os: sizeBytes, 'lun-0': 32 * MIB };
  return world;
}

const take = async (
  world: MemoryWorld,
): ReturnType<ReturnType<typeof createActivities>['takeSnapshots']> =>
  createActivities(world).takeSnapshots({ ...ref, pointId: 'p1' });

describe('takeSnapshots, when disks were resized', () => {
  it.each([
    ['a little', 64 * MIB + 512],
    ['over 4 TiB', 5 * TIB],
    ['to the largest there may be', MAX_DISK_BYTES],
  ])('names those that grew %s, and those only', async (_name, toBytes) => {
    const { grown } = await take(withOsDiskOf(toBytes));
    expect(grown).toEqual([{ diskId: 'os', fromBytes: 64 * MIB, toBytes }]);
  });

  it('says nothing of disks that have their size, and of such of which Azure does not tell', async () => {
    expect(await take(withOsDiskOf(64 * MIB))).not.toHaveProperty('grown');
    expect(await take(aWorld())).not.toHaveProperty('grown');
  });

  it('refuses one that is smaller: disks of Azure only grow, so it is another one', async () => {
    await expect(take(withOsDiskOf(64 * MIB - 512))).rejects.toMatchObject({
      code: 'FB-DATA-002',
      values: { actualBytes: 64 * MIB - 512, neededBytes: 64 * MIB },
    });
  });

  it('refuses one that is too large for the way back, before anything at home grows', async () => {
    await expect(take(withOsDiskOf(MAX_DISK_BYTES + 512))).rejects.toMatchObject({
      code: 'FB-PRE-024',
      values: { diskName: 'web-01-os', actual: MAX_DISK_BYTES + 512, needed: MAX_DISK_BYTES },
    });
  });
});

describe('recordGrowth', () => {
  it('notes the sizes in the item and says in the job what grew, once', async () => {
    const world = aWorld();
    const { recordGrowth, takeSnapshots } = createActivities(world);
    const grown = [{ diskId: 'os', fromBytes: 64 * MIB, toBytes: 128 * MIB }];
    const before = world.stores.jobs.must('fb-1').history.length;
    await recordGrowth({ ...ref, grown });
    await recordGrowth({ ...ref, grown });
    const [os, data] = world.stores.items.must('web-01').disks;
    expect([os?.sizeBytes, data]).toEqual([128 * MIB, anItem().disks[1]]);
    const { history } = world.stores.jobs.must('fb-1');
    expect(history.slice(before).map(({ message }) => message)).toEqual([
      `Disks grew in Azure and were made as large on-premises: os from ${64 * MIB} to ${128 * MIB} bytes`,
    ]);
    world.snapshots.sizes = { os: 128 * MIB };
    expect(await takeSnapshots({ ...ref, pointId: 'p2' })).not.toHaveProperty('grown');
  });
});
