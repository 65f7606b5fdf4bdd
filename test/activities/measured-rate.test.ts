import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import type { Job } from '../../shared/domain/job.ts';
import { aJob, anItem } from '../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../support/memory/memory-world.ts';
import { statistics } from './cases.ts';

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
