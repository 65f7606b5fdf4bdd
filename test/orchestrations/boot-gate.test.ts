import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { HOUR_MS } from '../support/world/fixtures.ts';
import { killPlaces } from '../support/world/kill-places.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

const noSignOfLife = new FailbackError('FB-SITE-005', {
  vmName: 'web',
  seconds: 120,
  console: 'panic',
});

async function startToBootGate(failures = Number.POSITIVE_INFINITY): Promise<void> {
  world.agents.behaviours.plan('verifyBoot', { error: noSignOfLife }, failures);
  await world.start({ autoFailover: true, rollBackOnBootFailure: false });
  await world.untilWaiting('bootFailed');
}

describe('a boot that fails while nobody asked for the way back by itself', () => {
  it('waits for a person, says why, and changes nothing meanwhile', async () => {
    await startToBootGate();
    await world.advance(24 * HOUR_MS);
    const view = await world.view();
    expect(view).toMatchObject({
      state: 'waitingForOperator',
      phase: 'bootFailed',
      allowedActions: ['cancel', 'resume'],
      error: null,
    });
    expect(view.tasks.slice(-2)).toMatchObject([
      { name: 'boot', state: 'failed', error: { code: 'FB-SITE-005' } },
      { name: 'decideAfterBootFailure', state: 'waitingForOperator', endedAt: null },
    ]);
    expect(world.vm.powerActions).toEqual(['powerOff']);
    expect(world.machines.azure).toBe('stopped');
  });

  it('boots again as often as it is asked to, without another copy', async () => {
    await startToBootGate(2);
    const cycles = world.job().cycles.length;
    await world.ask('resume');
    await world.untilWaiting('bootFailed');
    expect(world.agents.timesDone('verifyBoot')).toBe(2);
    await world.advance(HOUR_MS);
    expect(world.agents.timesDone('verifyBoot')).toBe(2);
    await world.ask('resume');
    await world.untilWaiting('commitPending');
    expect(world.agents.timesDone('verifyBoot')).toBe(3);
    expect(world.job().cycles).toHaveLength(cycles);
    expect(world.site.boots).toEqual(['web', 'web', 'web']);
    await world.ask('commit');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'succeeded', report: { proof: { mismatches: 0 } } });
  });

  it('goes back to Azure when it is cancelled', async () => {
    await startToBootGate();
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('obeys a cancel that came while it booted', async () => {
    world.agents.behaviours.plan('verifyBoot', { error: noSignOfLife, afterMs: 60_000 });
    await world.start({ autoFailover: true, rollBackOnBootFailure: false });
    await world.until(() => world.job().tasks?.at(-1)?.name === 'boot');
    await world.advance(10_000);
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('does not offer to try again anywhere else', async () => {
    await world.start();
    await expect(world.ask('resume')).rejects.toMatchObject({ code: 'FB-REQ-004' });
    await world.untilWaiting('replicating');
    await expect(world.ask('resume')).rejects.toMatchObject({ code: 'FB-REQ-004' });
  });

  it('waits once, whichever commit the host dies after, and boots again once', async () => {
    await startToBootGate(1);
    const before = world.host.commits;
    await world.ask('resume');
    await world.untilWaiting('commitPending');
    const commits = world.host.commits - before;
    world.dispose();
    for (const after of killPlaces('boot-gate', commits, 5)) {
      world = await World.create();
      await startToBootGate(1);
      world.host.crashAfter(after);
      await world.ask('resume');
      await world.until(() => world.host.isCrashed);
      await world.host.restart();
      await world.untilWaiting('commitPending');
      expect(world.site.boots).toEqual(['web', 'web']);
      world.dispose();
    }
    world = await World.create();
  });
});
