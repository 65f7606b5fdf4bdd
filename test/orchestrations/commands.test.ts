import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandName } from '../../shared/contracts/commands.ts';
import {
  commandEventName,
  commandId,
  partInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS, POLL_MS } from '../../shared/policy/deadlines.ts';
import { HOUR_MS, MASTER_TARGET, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';
import { endedAtMs } from '../support/world/readings.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

describe('an agent that falls silent', () => {
  it('is given up after its deadline with FB-ORC-003, and the failback is rolled back', async () => {
    world.agents.behaviours.plan('prepareTarget', { answer: 'neverButDone' }, 1);
    await world.startAutomatic();
    await world.until(() => world.agents.timesDone('prepareTarget') === 1);
    const sentAtMs = world.timers.now().getTime();
    await world.untilPhase('rollingBack');
    const waitedMs = world.timers.now().getTime() - sentAtMs;
    expect(waitedMs).toBeGreaterThanOrEqual(DEADLINE_MS.siteChange - 1_000);
    expect(waitedMs).toBeLessThan(DEADLINE_MS.siteChange + POLL_MS.commandMax);
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'failedOver',
      error: {
        code: 'FB-ORC-003',
        values: { agentId: 'cs-cs1', command: 'prepareTarget', minutes: 30 },
      },
    });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    const record = world.commands.peek(commandId(job.id, 'prepare-target'));
    expect(record?.result).toMatchObject({ ok: false, error: { code: 'FB-ORC-003' } });
  });

  it('blocks the preflight when it stays silent there', async () => {
    world.agents.behaviours.plan('describeSite', { answer: 'neverButDone' });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-PRE-002' } });
    expect(world.agents.timesDone('prepareTarget')).toBe(0);
    expect(world.processServers.deployments).toBe(0);
    expect(world.item).toMatchObject({ phase: 'failedOver', activeJobId: null });
  });

  it('is heard when it comes back within its deadline: the message waited in its queue', async () => {
    await world.startAutomatic();
    await world.untilPhase('replicating');
    world.agents.setDown(MASTER_TARGET, true);
    await world.advance(HOUR_MS);
    expect(world.item.phase).not.toBe('booting');
    world.agents.setDown(MASTER_TARGET, false);
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('cannot change the outcome with an answer that comes too late', async () => {
    world.agents.behaviours.plan('openTarget', {
      afterMs: DEADLINE_MS.siteChange + 10 * MINUTE_MS,
    });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-003' } });
    await world.advance(2 * HOUR_MS);
    expect(world.job()).toEqual(job);
    expect(world.item.phase).toBe('failedOver');
  });
});

describe('the result of a command', () => {
  it('is found by looking at the record when every event gets lost', async () => {
    world.agents.behaviours.planAll({ answer: 'withoutEvent' });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job.state).toBe('succeeded');
    // Slower than with events, by at most the longest pause between two looks a command.
    const tookMs = endedAtMs(job) - Date.parse(job.createdAt);
    expect(tookMs).toBeLessThan(world.commands.all().length * POLL_MS.commandFirst * 2);
  });

  it('is looked for less and less often while a transfer takes long', async () => {
    world.agents.behaviours.plan('replicateDisk', { afterMs: 4 * HOUR_MS });
    await world.start();
    await world.untilPhase('initialReplication');
    const before = world.faults.count('commands.get');
    await world.advance(4 * HOUR_MS);
    const looks = world.faults.count('commands.get') - before;
    const disks = world.item.disks.length;
    expect(looks).toBeLessThan(disks * ((4 * HOUR_MS) / POLL_MS.commandMax) + 40);
  });

  it('that comes twice counts once', async () => {
    world.agents.behaviours.planAll({ answer: 'twice' });
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.site.boots).toEqual(['web']);
    expect(world.job().cycles).toHaveLength(3);
  });

  it('that is announced before it exists is not taken for one', async () => {
    world.agents.behaviours.plan('prepareTarget', { afterMs: 10 * MINUTE_MS });
    const job = await world.startAutomatic();
    const id = commandId(job.id, 'prepare-target');
    await world.until(() => world.commands.peek(id) !== null);
    await world.settle();
    const part = partInstanceId(job.id, 'reprotect');
    for (let knock = 0; knock < 3; knock += 1) {
      world.host.raiseEvent(part, commandEventName(id));
      await world.settle();
    }
    await world.advance(MINUTE_MS);
    expect(world.commands.peek(id)?.result).toBeNull();
    expect(world.item.phase).toBe('preparing');
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('of a message that was delivered twice is that of the first run', async () => {
    // The first attempt to send fails after the message has left, so it is sent again.
    world.faults.failAfter('queues.send', 5);
    world.agents.behaviours.planAll({ afterMs: 10_000 });
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
    const ids = world.agents.done.map((each) => each.commandId);
    expect(world.agents.received.length).toBeGreaterThan(ids.length);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each<CommandName>(['prepareTarget', 'openTarget', 'replicateDisk', 'sealRecoveryPoint'])(
    'that says %s failed for good is not asked for again',
    async (name) => {
      const error = new FailbackError('FB-SITE-900', { command: name, reason: 'injected' });
      world.agents.behaviours.plan(name, { error });
      await world.startAutomatic();
      const job = await world.untilEnd();
      expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-SITE-900' } });
      // With several disks the first failure breaks the others off.
      expect(world.agents.timesDone(name)).toBe(1);
      expect(world.machines).toEqual({ azure: 'running', home: 'off' });
      expect(world.item).toMatchObject({ phase: 'failedOver', activeJobId: null });
    },
  );
});
