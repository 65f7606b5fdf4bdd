import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { must } from '../support/must.ts';
import { MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';
import { endedAtMs } from '../support/world/readings.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});
afterEach(() => {
  world.dispose();
});

const GROUP = { replicationGroupId: 'pr-1-shop', cycleIntervalSeconds: 60 };

async function replicating(applicationConsistentMinutes = 60): Promise<void> {
  await world.start({ ...GROUP, applicationConsistentMinutes });
  await world.until(() => world.job().cycles.length > 0);
}

const commonPoints = () =>
  (world.item.recoveryPoints ?? []).filter(({ groupPointId }) => groupPointId !== undefined);

describe('a machine of a replication group', () => {
  it('takes its application-consistent points at the common instants, under the shared id', async () => {
    await replicating();
    await world.until(() => commonPoints().length === 1);
    await world.settle();
    const { proposal } = must(world.replicationGroups.peek('pr-1-shop'), 'the group pr-1-shop');
    expect(commonPoints()).toMatchObject([
      { consistency: 'applicationConsistent', groupPointId: proposal?.groupPointId },
    ]);
    expect(Date.parse(must(commonPoints()[0], 'a common point').takenAt)).toBe(
      Date.parse(must(proposal, 'a proposed instant').at),
    );
    expect(
      world.job().cycles.filter(({ consistency }) => consistency !== 'crashConsistent'),
    ).toHaveLength(1);
  });

  it('joins the instant that another machine has proposed', async () => {
    const at = new Date(world.timers.now().getTime() + 4 * MINUTE_MS).toISOString();
    await world.replicationGroups.create({
      id: 'pr-1-shop',
      proposal: { groupPointId: 'of-another', at },
      proposals: 1,
    });
    await replicating();
    await world.until(() => commonPoints().length === 1);
    expect(commonPoints()).toMatchObject([{ groupPointId: 'of-another', takenAt: at }]);
  });

  it('says in the point why it is only crash-consistent', async () => {
    world.snapshots.inconsistentBecause = 'the VSS writers did not answer';
    await replicating();
    await world.until(() => commonPoints().length === 1);
    expect(commonPoints()).toMatchObject([
      { consistency: 'crashConsistent', reason: 'the VSS writers did not answer' },
    ]);
  });

  it('goes down or back at once when somebody asks while it waits for the instant', async () => {
    await replicating();
    await world.until(() => world.replicationGroups.peek('pr-1-shop')?.proposal !== undefined);
    const at = Date.parse(
      must(
        must(world.replicationGroups.peek('pr-1-shop'), 'the group pr-1-shop').proposal,
        'a proposed instant',
      ).at,
    );
    await world.until(() => at - world.timers.now().getTime() < 50_000);
    await world.ask('cancel');
    expect((await world.untilEnd()).state).toBe('cancelled');
    expect(endedAtMs(world.job())).toBeLessThan(at + 60_000);
    expect(commonPoints()).toEqual([]);
  });

  it('takes none when nobody asked for consistent points', async () => {
    await replicating(0);
    await world.until(() => world.job().cycles.length === 5);
    expect(world.replicationGroups.all()).toEqual([]);
  });
});
