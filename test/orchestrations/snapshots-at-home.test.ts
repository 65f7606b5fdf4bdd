import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { must } from '../support/must.ts';
import { MINUTE_MS } from '../support/world/fixtures.ts';
import type { SiteVm } from '../support/world/site.ts';
import { World } from '../support/world/world.ts';

let world: World;
let home: SiteVm;

beforeEach(async () => {
  world = await World.create();
  home = must(world.site.findByName('web'), 'the machine at home');
  home.snapshotCount = 2;
});

afterEach(() => {
  world.dispose();
});

const WISH = { autoFailover: true, autoCommit: true, removeSnapshots: true } as const;

/** Everything is as it was, the snapshots included. */
function expectUntouched(): void {
  expect(world.agents.timesDone('removeSnapshots')).toBe(0);
  expect(world.site.findByName('web')?.snapshotCount).toBe(2);
  expect(world.item).toMatchObject({ phase: 'failedOver', activeJobId: null });
}

async function completeMigration(): Promise<void> {
  const { value, etag } = must(await world.items.get('web'), 'the item');
  const failoverRecord = { isMigrationCompleted: true };
  await world.items.replace({ ...value, failoverRecord }, etag);
}

describe('snapshots of the on-premises VM', () => {
  it('are put into its disks when that was asked for and nothing else stands in the way', async () => {
    await world.start(WISH);
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.agents.timesDone('removeSnapshots')).toBe(1);
    // Before, and once more: the disks of a VM are others after a merge.
    expect(world.agents.timesDone('describeSite')).toBe(2);
    expect(world.job().history.map(({ message }) => message)).toContain(
      'Putting the snapshots of the on-premises VM into its disks',
    );
  });

  it('stay, and refuse the failback, unless that was asked for', async () => {
    await world.start({ ...WISH, removeSnapshots: undefined });
    const { error } = await world.untilEnd();
    expect(error?.code).toBe('FB-PRE-002');
    expect(error?.message).toContain('FB-PRE-032');
    expectUntouched();
  });

  it('stay where something else refuses the failback', async () => {
    await completeMigration();
    await world.start(WISH);
    const { error } = await world.untilEnd();
    expect(error?.message).toContain('FB-PRE-015');
    expect(error?.message).not.toContain('FB-PRE-032');
    expectUntouched();
  });

  it('stay where the failback was cancelled while it was checked', async () => {
    world.agents.behaviours.plan('describeSite', { afterMs: MINUTE_MS });
    await world.start(WISH);
    await world.untilPhase('preparing');
    await world.advance(10_000);
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({
      state: 'cancelled',
      error: { code: 'FB-ORC-005' },
    });
    expectUntouched();
  });

  it('that are still there after the merge refuse the failback', async () => {
    world.site.removeSnapshots = () => 0;
    await world.start(WISH);
    expect((await world.untilEnd()).error?.message).toContain('FB-PRE-032');
  });

  it('are not asked for where there are none', async () => {
    home.snapshotCount = 0;
    await world.start(WISH);
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.agents.timesDone('removeSnapshots')).toBe(0);
    expect(world.agents.timesDone('describeSite')).toBe(1);
  });
});
