import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import type { Job } from '../../shared/domain/job.ts';
import { aJob, anItem } from '../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../support/memory/memory-world.ts';
import { CASES, statistics } from './cases.ts';

describe('gatherRecordFacts about the rate of the line', () => {
  const MIB = 1024 ** 2;
  const cycle = (sentBytes: number, durationMs: number) =>
    ({ ...statistics, sentBytes, durationMs }) as const;
  const rate = async (world: MemoryWorld): Promise<unknown> =>
    (await createActivities(world).gatherRecordFacts({ itemId: 'web-01', placement: {} }))
      .measuredRate;
  const withJob = (world: MemoryWorld, id: string, cycles: Job['cycles'], change = {}): void => {
    world.stores.jobs.put(aJob({ id: `fb-${id}`, itemId: id, cycles }));
    world.stores.items.put(anItem({ id, lastJobId: `fb-${id}`, ...change }));
  };

  it('tells what the cycles of the last job of the machine sent, small ones left out', async () => {
    const world = aWorld();
    const cycles = [cycle(100 * MIB, 10_000), cycle(300 * MIB, 10_000), cycle(MIB, 60_000)];
    withJob(world, 'web-01', cycles);
    expect(await rate(world)).toEqual({ of: 'machine', bytesPerSecond: 20 * MIB });
  });

  it('tells that of others behind the same process server when the machine has none', async () => {
    const world = aWorld();
    withJob(world, 'web-01', [cycle(MIB, 60_000)]);
    withJob(world, 'web-02', [cycle(640 * MIB, 10_000)]);
    withJob(world, 'far', [cycle(6400 * MIB, 10_000)], { resourceGroup: 'elsewhere' });
    expect(await rate(world)).toEqual({ of: 'processServer', bytesPerSecond: 64 * MIB });
  });

  it('tells none before anything was sent', async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ lastJobId: 'gone' }));
    expect(await rate(world)).toBeNull();
  });
});

describe('gatherRecordFacts about what the machines change', () => {
  it('reads the job of no other machine: each item tells its own', async () => {
    const world = aWorld();
    world.stores.items.put(anItem({ lastJobId: 'fb-1', changeBytesPerDay: 7 }));
    const moving = { activeJobId: 'fb-2', lastJobId: 'fb-2', changeBytesPerDay: 100 };
    world.stores.items.put(anItem({ id: 'web-02', ...moving }));
    world.stores.items.put(anItem({ id: 'web-03', changeBytesPerDay: 1_000 }));
    world.stores.items.put(anItem({ id: 'web-04', activeJobId: 'fb-4' }));
    world.stores.items.put(anItem({ id: 'far', ...moving, resourceGroup: 'elsewhere' }));
    const sent = { ...statistics, sentBytes: 1024 ** 3, durationMs: 10_000 };
    world.stores.jobs.put(aJob({ cycles: [sent] }));
    const read: string[] = [];
    const get = world.stores.jobs.get.bind(world.stores.jobs);
    world.stores.jobs.get = async (id) => {
      read.push(id);
      return get(id);
    };
    const input = { itemId: 'web-01', placement: {} };
    expect(await createActivities(world).gatherRecordFacts(input)).toMatchObject({
      changeBytesPerDay: 7,
      otherChangeBytesPerDay: 100,
    });
    expect(read).toEqual(['fb-1']);
  });

  it('is what the cycles of a failback measured, and outlives it', async () => {
    const world = aWorld();
    const { recordCycle, finishJob, gatherRecordFacts } = createActivities(world);
    for (const [index, minute] of ['00', '20'].entries()) {
      const takenAt = `2026-03-01T12:${minute}:00.000Z`;
      const point = { pointId: `p${index}`, takenAt, changedBytes: 1_000 };
      await recordCycle({ ...CASES.recordCycle.input, statistics: { ...statistics, ...point } });
    }
    const item = { itemId: 'web-01' } as const;
    await finishJob({ ...item, jobId: 'fb-1', state: 'failed', error: null });
    const facts = await gatherRecordFacts({ ...item, placement: {} });
    // 1,000 bytes in 20 minutes.
    expect(facts.changeBytesPerDay).toBe(72_000);
  });
});
