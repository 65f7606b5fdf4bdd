import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Phase } from '../../shared/domain/phases.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { must } from '../support/must.ts';
import { ORIGINAL_CONTENT } from '../support/world/site.ts';
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

/** The job ended as cancelled and everything is as it was before it. */
async function expectBackInAzure(): Promise<void> {
  const job = await world.untilEnd();
  expect(job).toMatchObject({
    state: 'cancelled',
    phase: 'failedOver',
    error: { code: 'FB-ORC-005' },
  });
  expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  expect(world.vm.deletions).toBe(0);
  expect(world.snapshots.names).toEqual([]);
  expect(world.processServers.names).toEqual([]);
  expect(world.site.replications.size).toBe(0);
  expect(world.site.findByName('web')?.disksAt).toBe('vm');
  expect(world.item).toMatchObject({ phase: 'failedOver', activeJobId: null, base: {} });
  expect(job.report.undo?.every(({ outcome }) => outcome === 'done')).toBe(true);
  expect(job.tasks?.at(-1)).toMatchObject({ name: 'rollBack', state: 'succeeded' });
  expect(job.tasks?.at(-2)).toMatchObject({ state: 'cancelled', error: { code: 'FB-ORC-005' } });
}

/**
 * The disk holds what the last sealed point holds, byte for byte; what it held at first while none was sealed.
 * A machine that was booted has written on it since: then it holds that point and what came after.
 */
function expectSealedDisk(): void {
  const { content } = must(world.site.findByName('web'), 'the machine at home').writes;
  const sealed = world.job().cycles.at(-1)?.pointId;
  const point = world.snapshots.points.find(({ pointId }) => pointId === sealed);
  const expected = point?.content ?? ORIGINAL_CONTENT;
  if (world.site.boots.length === 0) expect(content).toBe(expected);
  else expect(content).toBeGreaterThanOrEqual(expected);
}

/** Without a sign of life, and with nobody who asked for the way back by itself. */
function neverBoots(): void {
  const error = new FailbackError('FB-SITE-005', { vmName: 'web', seconds: 120, console: '' });
  world.agents.behaviours.plan('verifyBoot', { error });
}

const BEFORE_COMMIT: readonly Phase[] = [
  'preparing',
  'initialReplication',
  'replicating',
  'shuttingDownSource',
  'finalDelta',
  'booting',
  'bootFailed',
  'commitPending',
];

describe('a failback that is cancelled', () => {
  it.each(BEFORE_COMMIT)('while it is in %s goes back to Azure', async (phase) => {
    if (phase === 'bootFailed') neverBoots();
    await world.start({ rollBackOnBootFailure: false });
    if (phase !== 'preparing') {
      await world.untilPhase('initialReplication');
      const isBeyondGate = !['initialReplication', 'replicating'].includes(phase);
      if (isBeyondGate) await world.ask('failover');
      await world.untilPhase(phase);
    }
    await world.ask('cancel');
    await expectBackInAzure();
    expectSealedDisk();
  });

  // Shutting down what is off already takes no time in which somebody could cancel.
  const lasting = BEFORE_COMMIT.filter((phase) => phase !== 'shuttingDownSource');
  it.each(lasting)('in %s leaves a VM off that was off before it', async (phase) => {
    await world.vm.beginPowerChange('shop', 'web-azure', 'powerOff');
    await world.advance(MINUTE_MS);
    if (phase === 'bootFailed') neverBoots();
    await world.start({ autoFailover: true, rollBackOnBootFailure: false });
    await world.untilPhase(phase);
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'stopped', home: 'off' });
    expect(world.item).not.toHaveProperty('wasSourceRunning');
    expectSealedDisk();
  });

  it.each(BEFORE_COMMIT)('in the middle of %s, where nothing waits for a person', async (phase) => {
    world.agents.behaviours.planAll({ afterMs: 20_000 });
    if (phase === 'bootFailed') neverBoots();
    await world.start({ autoFailover: true, rollBackOnBootFailure: false });
    await world.untilPhase(phase);
    await world.advance(7_000);
    expect(world.item.phase).toBe(phase);
    await world.ask('cancel');
    await expectBackInAzure();
    expectSealedDisk();
  });

  it('before it commits by itself does not commit', async () => {
    await world.startAutomatic();
    await world.untilPhase('booting');
    await world.ask('cancel');
    await expectBackInAzure();
  });

  it('breaks off a transfer that would take days', async () => {
    world.agents.behaviours.plan('replicateDisk', { afterMs: 72 * 60 * MINUTE_MS });
    await world.start();
    await world.untilPhase('initialReplication');
    await world.advance(MINUTE_MS);
    const askedAtMs = world.timers.now().getTime();
    await world.ask('cancel');
    await expectBackInAzure();
    expect(endedAtMs(world.job()) - askedAtMs).toBeLessThan(5 * MINUTE_MS);
  });

  it('breaks off the comparison of the disks and never boots', async () => {
    world.agents.behaviours.plan('verifyDisks', { afterMs: 20 * 60 * MINUTE_MS });
    await world.start();
    await world.ask('failover');
    await world.untilPhase('booting');
    await world.advance(MINUTE_MS);
    await world.ask('cancel');
    await expectBackInAzure();
    expect(world.site.boots).toEqual([]);
  });

  it.each([
    ['while the on-premises VM is prepared', 'prepareTarget', 'preparing'],
    ['while the disks are opened', 'openTarget', 'preparing'],
  ] as const)('%s begins no transfer of days', async (_when, name, phase) => {
    world.agents.behaviours.plan(name, { afterMs: MINUTE_MS });
    world.agents.behaviours.plan('replicateDisk', { afterMs: 72 * 60 * MINUTE_MS });
    await world.start();
    await world.until(() => world.commands.all().some((command) => command.name === name));
    expect(world.item.phase).toBe(phase);
    await world.ask('cancel');
    await expectBackInAzure();
    expect(world.agents.timesDone('replicateDisk')).toBe(0);
  });

  it('while the Azure VM shuts down sends no last delta of days', async () => {
    await world.start();
    await world.untilWaiting('replicating');
    await world.ask('failover');
    await world.untilPhase('shuttingDownSource');
    world.agents.behaviours.plan('replicateDisk', { afterMs: 72 * 60 * MINUTE_MS });
    const sent = world.agents.timesDone('replicateDisk');
    await world.ask('cancel');
    await expectBackInAzure();
    expect(world.agents.timesDone('replicateDisk')).toBe(sent);
  });

  it('and asked to commit in one breath goes back: cancel comes first', async () => {
    await world.start();
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    const { value, etag } = must(await world.jobs.get(world.job().id), 'the record of the job');
    const at = world.timers.now().toISOString();
    await world.jobs.replace({ ...value, intents: { commit: at, cancel: at } }, etag);
    await world.advance(MINUTE_MS);
    await expectBackInAzure();
  });

  it('several times over goes back once', async () => {
    await world.start();
    await world.untilWaiting('replicating');
    await Promise.all([world.ask('cancel'), world.ask('cancel')]);
    await expectBackInAzure();
    expect(world.phases.filter((phase) => phase === 'rollingBack')).toHaveLength(1);
  });

  it('deletes the VM that was created for it', async () => {
    world.dispose();
    world = await World.create({ hasOriginalVm: false });
    await world.start();
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    expect(world.machines.home).toBe('on');
    await world.ask('cancel');
    await world.untilEnd();
    expect(world.machines).toEqual({ azure: 'running', home: 'none' });
  });
});

describe('a cancel after the point of no return', () => {
  it.each<Phase>(['committing', 'waitingForAgent', 'reverseReplicating'])(
    'is refused in %s and changes nothing',
    async (phase) => {
      await world.startAutomatic();
      await world.untilPhase(phase);
      await expect(world.ask('cancel')).rejects.toMatchObject({ code: 'FB-REQ-004' });
      expect((await world.view()).allowedActions).toEqual([]);
      const job = await world.untilEnd();
      expect(job).toMatchObject({ state: 'succeeded', intents: {} });
      expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    },
  );
});

describe('a cancel that comes while the commit begins', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'after %i more calls is either refused or obeyed, never accepted and forgotten',
    async (calls) => {
      await world.start({ autoFailover: true });
      await world.untilWaiting('commitPending');
      const asked = world.askAfterCalls('cancel', calls);
      await world.ask('commit');
      const job = await world.untilEnd();
      expect(asked.answer).not.toBeNull();
      const isObeyed = job.state === 'cancelled';
      expect({ calls, answer: asked.answer }).toEqual({
        calls,
        answer: isObeyed ? 'accepted' : 'FB-REQ-004',
      });
      if (isObeyed) await expectBackInAzure();
      else expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    },
  );
});
