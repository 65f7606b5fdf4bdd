import { beforeEach, describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import type { ActivityInput } from '../../shared/contracts/activities.ts';
import { isPinSafe, type ProtectedItem } from '../../shared/domain/protected-item.ts';
import { pinPoint } from '../../shared/services/pin-point.ts';
import { aJob, anItem, POINTS } from '../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../support/memory/memory-world.ts';

const ref = { jobId: 'fb-1', itemId: 'web-01' } as const;
const OLDEST = 'fb-1-p0001';

let world: MemoryWorld;
beforeEach(() => {
  world = aWorld();
  put({});
});

function put(changes: Partial<ProtectedItem>): void {
  const item = { activeJobId: 'fb-1', phase: 'replicating', recoveryPoints: POINTS } as const;
  world.stores.items.put(anItem({ ...item, ...changes }));
}

const item = (): ProtectedItem => world.stores.items.must('web-01');
const pin = async (pointId = OLDEST) => pinPoint(world.stores.items, 'web-01', pointId);
const beginSeal = async (pointId: string) => createActivities(world).beginSeal({ ...ref, pointId });

async function recordCycle(pointId: string, retainedPointIds: readonly string[]): Promise<void> {
  const bytes = { changedBytes: 0, zeroBytes: 0, readBytes: 0, sentBytes: 0, wireBytes: 0 };
  const statistics = {
    cycle: 4,
    kind: 'delta',
    pointId,
    takenAt: '2026-03-01T12:00:00.000Z',
    consistency: 'crashConsistent',
    durationMs: 1,
    reasons: [],
    ...bytes,
  } as const satisfies ActivityInput<'recordCycle'>['statistics'];
  const input = { ...ref, statistics, base: {}, retainedPointIds, isRehearsal: false };
  await createActivities(world).recordCycle(input);
}

describe('a pinned recovery point', () => {
  it('is told to every seal that begins after the pin, and is safe then', async () => {
    await pin();
    expect(isPinSafe(item())).toBe(true);
    expect(await beginSeal('fb-1-p0004')).toEqual({ keepPointId: OLDEST });
    expect(isPinSafe(item())).toBe(true);
    await recordCycle('fb-1-p0004', [OLDEST, 'fb-1-p0004']);
    expect(item()).toMatchObject({ pinnedPointId: OLDEST });
    expect(item()).not.toHaveProperty('sealing');
  });

  it('is not safe while a seal is under way that began before the pin', async () => {
    expect(await beginSeal('fb-1-p0004')).toEqual({ keepPointId: null });
    await pin();
    expect(isPinSafe(item())).toBe(false);
    // The same seal, asked for again by an activity that was retried: what it was told first counts.
    expect(await beginSeal('fb-1-p0004')).toEqual({ keepPointId: null });
    expect(isPinSafe(item())).toBe(false);
    await recordCycle('fb-1-p0004', [OLDEST, 'fb-1-p0004']);
    expect(isPinSafe(item())).toBe(true);
    expect(await beginSeal('fb-1-p0005')).toEqual({ keepPointId: OLDEST });
  });

  it('is no pin any more once the master target has dropped it', async () => {
    await beginSeal('fb-1-p0004');
    await pin();
    await recordCycle('fb-1-p0004', ['fb-1-p0004']);
    expect(item()).not.toHaveProperty('pinnedPointId');
  });

  it('is one an item: the last word counts, and saying it twice changes nothing', async () => {
    await pin();
    await pin('fb-1-p0002');
    const before = await world.stores.items.get('web-01');
    await pin('fb-1-p0002');
    expect(await world.stores.items.get('web-01')).toEqual(before);
    expect(item().pinnedPointId).toBe('fb-1-p0002');
  });

  it('of a seal that is recorded late leaves the next seal alone', async () => {
    await beginSeal('fb-1-p0005');
    await recordCycle('fb-1-p0004', [OLDEST, 'fb-1-p0004']);
    expect(item().sealing).toEqual({ pointId: 'fb-1-p0005', keepPointId: null });
  });

  it('goes with the job, and so does what was being sealed', async () => {
    await pin();
    await beginSeal('fb-1-p0004');
    world.stores.jobs.put(aJob());
    await createActivities(world).finishJob({ ...ref, state: 'failed', error: null });
    expect(item()).not.toHaveProperty('pinnedPointId');
    expect(item()).not.toHaveProperty('sealing');
  });

  it('stays where another job has the item', async () => {
    put({ activeJobId: 'fb-2', pinnedPointId: OLDEST });
    await createActivities(world).finishJob({ ...ref, state: 'failed', error: null });
    expect(item().pinnedPointId).toBe(OLDEST);
  });

  it.each([
    ['an older one by its id', OLDEST, OLDEST],
    ['the latest application-consistent', 'latestApplicationConsistent', 'fb-1-p0002'],
    ['the newest, which needs none', 'latest', undefined],
    ['the newest that is sealed, behind which nothing is', 'latestProcessed', undefined],
    ['one that is not there', 'fb-1-p0099', undefined],
  ])('is made by the choice of %s', async (_what, failoverTo, pinned) => {
    world.stores.jobs.put(aJob({ failoverTo }));
    await createActivities(world).readFailoverChoice({ ...ref, isFinalDeltaPossible: true });
    expect(item().pinnedPointId).toBe(pinned);
  });

  it.each([
    ['released with the wish of a machine that goes by itself', {}, undefined],
    ['kept for the others of a replication group', { replicationGroupId: 'pr-1-shop' }, OLDEST],
  ])('is %s when the failover is put back', async (_what, options, pinned) => {
    const intents = { failover: '2026-03-01T12:00:00.000Z' };
    const job = aJob({ phase: 'replicating', intents, failoverTo: OLDEST, maxDataLossMinutes: 1 });
    world.stores.jobs.put({ ...job, options: { ...job.options, ...options } });
    await pin();
    const nextGate = 'replication-2';
    const source = { state: 'there', reason: '' } as const;
    const answer = await createActivities(world).judgeFailover({ ...ref, nextGate, source });
    expect(answer).toEqual({ isHeldBack: true });
    expect(item().pinnedPointId).toBe(pinned);
  });
});
