import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RetentionPolicy } from '../../../agents/master-target/retention.ts';
import { LabDisk, type LabStorage, startLabStorage } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { type LabSite, startLabSite } from '../../support/data-plane/lab-site.ts';
import { Random } from '../../support/data-plane/random.ts';

const SIZE_BYTES = 1024 * 1024;

let storage: LabStorage;
beforeAll(async () => {
  storage = await startLabStorage();
});
afterAll(async () => storage.stop());

/** Points 1 to `count`, each with other bytes, taken at these times; then what the test does. */
async function withPoints(
  options: {
    readonly retention: RetentionPolicy;
    readonly takenAt: readonly string[];
    readonly keepPointId?: string;
  },
  use: (replication: LabReplication, bring: Bring, site: LabSite) => Promise<void>,
): Promise<void> {
  const site = await startLabSite({ retention: options.retention });
  try {
    const source = await LabDisk.create(storage, SIZE_BYTES);
    const replication = await LabReplication.open({ site, source });
    let count = 0;
    const bring: Bring = async (seal = {}) => {
      count += 1;
      await source.write(0, new Random(count).bytes(SIZE_BYTES / 2));
      await source.write(SIZE_BYTES / 2 + count * 512, new Random(count + 100).bytes(4096));
      const base = count === 1 ? {} : { base: `snapshot-${count - 1}` };
      const point = `point-${count}`;
      await replication.send({ point, snapshot: await source.snapshot(), ...base });
      return (await replication.seal(point, seal)).retainedPointIds;
    };
    const { keepPointId } = options;
    for (const takenAt of options.takenAt) {
      await bring({ takenAt, ...(keepPointId === undefined ? {} : { keepPointId }) });
    }
    await use(replication, bring, site);
  } finally {
    await site.stop();
  }
}

type Bring = (seal?: {
  readonly takenAt?: string;
  readonly keepPointId?: string;
}) => Promise<readonly string[]>;

async function expectAt(replication: LabReplication, count: number): Promise<void> {
  const { target, source } = replication;
  expect(target.equals(source.contentOf(`snapshot-${count}`))).toBe(true);
  expect((await replication.verify(`point-${count}`)).mismatches).toEqual([]);
}

const now = (): string => new Date().toISOString();
const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
const THREE = { maxPoints: 3, maxAgeHours: 24 };

describe('a point that is kept for somebody who goes back to it', () => {
  it('outlives the seal that would drop it as the oldest, and the disks go back to its bytes', async () => {
    await withPoints(
      { retention: THREE, takenAt: [now(), now(), now()] },
      async (replication, bring) => {
        expect(await bring({ keepPointId: 'point-1' })).toEqual([
          'point-1',
          'point-2',
          'point-3',
          'point-4',
        ]);
        await expectAt(replication, 4);
        await replication.rewind('point-1');
        await expectAt(replication, 1);
      },
    );
  });

  it('is dropped by the same seal when nobody goes back to it', async () => {
    await withPoints(
      { retention: THREE, takenAt: [now(), now(), now()] },
      async (replication, bring) => {
        expect(await bring()).toEqual(['point-2', 'point-3', 'point-4']);
        await expect(replication.rewind('point-1')).rejects.toMatchObject({ code: 'FB-JRN-009' });
        await expectAt(replication, 4);
      },
    );
  });

  it('is not too old either, while older ones are', async () => {
    await withPoints(
      { retention: { maxPoints: 12, maxAgeHours: 1 }, takenAt: [hoursAgo(0.5), hoursAgo(0.4)] },
      async (replication, bring) => {
        expect(await bring({ takenAt: hoursAgo(3) })).toHaveLength(3);
        expect(await bring({ takenAt: hoursAgo(2), keepPointId: 'point-3' })).toHaveLength(4);
        expect(await bring({ takenAt: hoursAgo(2), keepPointId: 'point-4' })).toHaveLength(5);
        await replication.rewind('point-3');
        await expectAt(replication, 3);
      },
    );
    await withPoints(
      {
        retention: { maxPoints: 12, maxAgeHours: 1 },
        takenAt: [hoursAgo(3), hoursAgo(2)],
        keepPointId: 'point-2',
      },
      async (replication, bring) => {
        expect(await bring({ keepPointId: 'point-2' })).toEqual(['point-2', 'point-3']);
        expect(await bring({ keepPointId: 'point-2' })).toEqual(['point-2', 'point-3', 'point-4']);
        await replication.rewind('point-2');
        await expectAt(replication, 2);
      },
    );
  });

  it('keeps its way back also where only the newest point is retained', async () => {
    await withPoints(
      { retention: { maxPoints: 1, maxAgeHours: 24 }, takenAt: [now()] },
      async (replication, bring) => {
        expect(await bring()).toEqual(['point-2']);
        expect(await bring({ keepPointId: 'point-2' })).toEqual(['point-2', 'point-3']);
        expect(await bring({ keepPointId: 'point-2' })).toHaveLength(3);
        await replication.rewind('point-2');
        await expectAt(replication, 2);
      },
    );
  });

  it('is let go by the first seal that does not name it, with all that is too many', async () => {
    await withPoints(
      { retention: THREE, takenAt: [now(), now(), now()] },
      async (replication, bring) => {
        for (let more = 0; more < 3; more += 1) await bring({ keepPointId: 'point-1' });
        expect(await bring()).toEqual(['point-5', 'point-6', 'point-7']);
        await replication.rewind('point-5');
        await expectAt(replication, 5);
      },
    );
  });

  it('holds nothing when it is not there', async () => {
    await withPoints(
      { retention: THREE, takenAt: [now(), now(), now()] },
      async (_replication, bring) => {
        expect(await bring({ keepPointId: 'no-such-point' })).toHaveLength(3);
      },
    );
  });

  it('stays when the program dies before and after the seal', async () => {
    await withPoints(
      { retention: THREE, takenAt: [now(), now(), now()] },
      async (replication, bring) => {
        await replication.restartMasterTarget();
        await bring({ keepPointId: 'point-1' });
        await replication.restartMasterTarget();
        await replication.rewind('point-1');
        await expectAt(replication, 1);
      },
    );
  });
});
