import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandName } from '../../shared/contracts/commands.ts';
import { commandId } from '../../shared/contracts/orchestrations.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { HELD_UP_TURNS } from '../../shared/policy/limits.ts';
import { HOUR_MS, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

const away = new FailbackError('FB-VSPHERE-003', { address: 'vcenter', reason: 'it is away' });
/** The configuration server reports shortly before the deadline of half an hour. */
const TURN_MS = 29 * MINUTE_MS;

/** The next commands of that name are held up for all of their time. */
function holdUp(name: CommandName, turns?: number): void {
  world.agents.behaviours.plan(name, { error: away, afterMs: TURN_MS }, turns);
}

const wasSent = (step: string): boolean =>
  world.commands.peek(commandId(world.job().id, step)) !== null;

describe('a hypervisor that is away for longer than a command waits', () => {
  it.each(['prepareTarget', 'attachDisks', 'startVm', 'verifyBoot'] as const)(
    'holds the failback up at %s, and it goes on when it is back',
    async (name) => {
      holdUp(name, 3);
      await world.startAutomatic({ autoCommit: true });
      const job = await world.untilEnd(6 * HOUR_MS);
      expect(job).toMatchObject({ state: 'succeeded', phase: 'protected' });
      const took = Date.parse(job.endedAt ?? '') - Date.parse(job.createdAt);
      expect(took).toBeGreaterThan(3 * TURN_MS);
      expect(world.agents.timesDone(name)).toBe(4);
    },
  );

  it('is waited for like a volume that is full when the disks are handed over to the VM', async () => {
    const full = new FailbackError('FB-JRN-004', { volume: '/retention' });
    await world.startAutomatic({ autoCommit: true, rollBackOnBootFailure: true });
    await world.untilPhase('finalDelta');
    world.agents.behaviours.plan('closeTarget', { error: full, afterMs: TURN_MS }, 3);
    const job = await world.untilEnd(6 * HOUR_MS);
    expect(job).toMatchObject({ state: 'succeeded', phase: 'protected' });
    expect(wasSent('close-target-again-3')).toBe(true);
  });

  it('does not hold up whoever wants to go back', async () => {
    holdUp('startVm');
    await world.startAutomatic();
    await world.until(() => world.job().phase === 'booting' && wasSent('start-vm'));
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(wasSent('start-vm-again-1')).toBe(false);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('holds up the way back too: the Azure VM waits until the other one is known to be off', async () => {
    const silent = new FailbackError('FB-SITE-005', { vmName: 'web', seconds: 1, console: '' });
    world.agents.behaviours.plan('verifyBoot', { error: silent });
    holdUp('stopVm', 4);
    await world.startAutomatic({ rollBackOnBootFailure: true });
    await world.until(() => wasSent('rollback-stop-vm-again-3'));
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
    const job = await world.untilEnd(6 * HOUR_MS);
    expect(job).toMatchObject({ state: 'failed', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('is given up after half a day', async () => {
    holdUp('prepareTarget');
    await world.startAutomatic();
    const job = await world.untilEnd(15 * HOUR_MS);
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-VSPHERE-003' } });
    expect(wasSent(`prepare-target-again-${HELD_UP_TURNS}`)).toBe(true);
    expect(wasSent(`prepare-target-again-${HELD_UP_TURNS + 1}`)).toBe(false);
  });
});

it('a failure that does not pass by itself is not asked for again', async () => {
  const gone = new FailbackError('FB-SITE-002', { vmName: 'web' });
  world.agents.behaviours.plan('prepareTarget', { error: gone });
  await world.startAutomatic();
  const job = await world.untilEnd();
  expect(job.error?.code).toBe('FB-SITE-002');
  expect(wasSent('prepare-target-again-1')).toBe(false);
});
