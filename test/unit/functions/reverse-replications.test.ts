import { describe, expect, it } from '@jest/globals';
import { keepReverseReplications } from '../../../functions/timers/reverse-replications.ts';
import { viewItem } from '../../../functions/views/item-view.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { anItem } from '../../support/memory/builders.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

const warnings: string[] = [];
const context = { warn: (message: string): void => void warnings.push(message) };

function protectedWorld(change: Parameters<typeof anItem>[0] = {}): MemoryWorld {
  const world = aWorld();
  world.stores.items.put(anItem({ phase: 'protected', activeJobId: null, ...change }));
  return world;
}

describe('the replication towards Azure', () => {
  it('of a protected machine is started where it does not run, and its health says so', async () => {
    const world = protectedWorld();
    await keepReverseReplications(world, context);
    expect(world.orchestrator.started).toEqual([
      {
        name: 'reverseReplication',
        instanceId: 'reverse-web-01',
        input: { itemId: 'web-01', cycle: 0, failures: 0 },
      },
    ]);
    const item = world.stores.items.must('web-01');
    const { health, healthErrors } = await viewItem(world, item);
    expect(health).toBe('Critical');
    expect(healthErrors.map(({ code }) => code)).toContain('FB-HLT-007');
    expect(warnings.at(-1)).toContain('started anew');
  });

  it('that runs is left alone, and what it last said stays', async () => {
    const reverseError = errorRecord('FB-ORC-005');
    const world = protectedWorld({ reverseError });
    world.orchestrator.running.add('reverse-web-01');
    await keepReverseReplications(world, context);
    expect(world.orchestrator.started).toEqual([]);
    expect(world.stores.items.must('web-01').reverseError).toEqual(reverseError);
  });

  it('is begun also for a job that never came to it, without a word about its health', async () => {
    const world = protectedWorld({ activeJobId: 'fb-1' });
    await keepReverseReplications(world, context);
    expect(world.orchestrator.started).toHaveLength(1);
    expect(world.stores.items.must('web-01')).not.toHaveProperty('reverseError');
  });

  it('of a machine that is not protected is not begun', async () => {
    const world = protectedWorld({ phase: 'replicating' });
    await keepReverseReplications(world, context);
    expect(world.orchestrator.started).toEqual([]);
  });
});
