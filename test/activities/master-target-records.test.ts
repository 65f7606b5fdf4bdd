import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import { anItem } from '../support/memory/builders.ts';
import { aWorld } from '../support/memory/memory-world.ts';
import { ref } from './cases.ts';

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
