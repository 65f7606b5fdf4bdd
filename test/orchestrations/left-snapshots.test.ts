import { afterEach, describe, expect, it } from '@jest/globals';
import { busy, refused } from '../support/world/faults.ts';
import { World } from '../support/world/world.ts';

let world: World;

afterEach(() => {
  world.dispose();
});

/** Replicates, with three points at home, and waits for somebody to fail over. */
async function replicating(): Promise<void> {
  world = await World.create();
  await world.start({ cycleIntervalSeconds: 60 });
  await world.until(() => world.job().cycles.length === 3);
  await world.settle();
}

describe.each([
  ['does not come to it', busy, 10],
  ['refuses it', refused, 1],
] as const)('a removal of older snapshots, where Azure %s', (_how, error, times) => {
  it('costs no recovery point, is shown, and is made up for by the next one', async () => {
    await replicating();
    world.faults.fail('snapshots.prune', times, error());
    await world.until(() => world.job().cycles.length === 4);
    await world.until(() => world.job().leftSnapshots !== undefined);
    expect(world.job()).toMatchObject({ phase: 'replicating' });
    expect(world.job().cycles.at(-1)?.reasons.at(-1)).toContain('could not be removed in Azure');
    expect((await world.view()).health).toMatchObject([{ code: 'FB-AZ-011', severity: 'warning' }]);
    expect((await world.viewItem()).healthErrors).toMatchObject([
      { code: 'FB-AZ-011' },
      { code: 'FB-HLT-004' },
    ]);
    expect(world.snapshots.names).toHaveLength(4);
    await world.until(() => world.job().cycles.length === 5);
    await world.settle();
    expect(world.job()).not.toHaveProperty('leftSnapshots');
    expect(world.job().cycles.at(-1)?.reasons.join()).not.toContain('could not be removed');
    expect((await world.view()).health).toEqual([]);
    expect(world.snapshots.names).toHaveLength(2);
  });

  it('does not stand between the shutdown and the boot at home', async () => {
    await replicating();
    await world.ask('failover', 'latest');
    await world.untilPhase('finalDelta');
    const before = world.faults.count('snapshots.prune');
    world.faults.fail('snapshots.prune', times, error());
    await world.untilWaiting('commitPending');
    expect(world.job().cycles.at(-1)).toMatchObject({ kind: 'final' });
    expect(world.faults.count('snapshots.prune')).toBe(before);
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
    world.faults.heal('snapshots.prune');
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded' });
    expect(world.snapshots.names).toEqual([]);
  });

  it('does not keep a machine that is home from its commit', async () => {
    await replicating();
    await world.ask('failover', 'latest');
    await world.untilWaiting('commitPending');
    world.faults.fail('snapshots.prune', times, error());
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded', phase: 'protected' });
    const told = world.job().history.filter(({ message }) => message.includes('failback-item'));
    expect(told).toHaveLength(1);
    // A person removes what is left.
    world.snapshots.vanish();
  });
});
