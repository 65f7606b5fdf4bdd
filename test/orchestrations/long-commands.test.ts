import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { commandId, partInstanceId } from '../../shared/contracts/orchestrations.ts';
import { DEADLINE_MS, POLL_MS } from '../../shared/policy/deadlines.ts';
import { COMMAND_LOOKS_PER_EXECUTION } from '../../shared/policy/limits.ts';
import { must } from '../support/must.ts';
import { HOUR_MS, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';
import { endedAtMs } from '../support/world/readings.ts';

const DAY_MS = 24 * HOUR_MS;
/** A look is a timer and a call; each of them is three or four events. */
const EVENTS_PER_LOOK = 12;

let world: World;

beforeEach(async () => {
  world = await World.create();
  world.processServers.registersAfterMs = 0;
});

afterEach(() => {
  world.dispose();
});

/** How long an execution looks before it starts afresh. */
function executionMs(): number {
  let sumMs = 0;
  for (let look = 0; look < COMMAND_LOOKS_PER_EXECUTION; look += 1) {
    sumMs += Math.min(POLL_MS.commandFirst * 2 ** look, POLL_MS.commandMax);
  }
  return sumMs;
}

const recordOf = (step: string) => world.commands.peek(commandId(world.job().id, step));
const osTransfer = () => partInstanceId(world.job().id, 'replicate-0-os');

describe('a transfer that takes days', () => {
  it('keeps its history short for a week, is sent once, and is given up to the second', async () => {
    world.agents.behaviours.plan('replicateDisk', { answer: 'never' }, 1);
    await world.start();
    await world.until(() => recordOf('replicate-0-os') !== null);
    const { sentAt, deadlineAt } = must(recordOf('replicate-0-os'), 'the command replicate-0-os');
    expect(Date.parse(deadlineAt) - Date.parse(sentAt)).toBe(DEADLINE_MS.transfer);
    let longest = 0;
    // No divisor of the time that one execution takes: it is looked at early and late in its life.
    while (world.timers.now().getTime() < Date.parse(sentAt) + 6.5 * DAY_MS) {
      await world.advance(7.3 * HOUR_MS);
      longest = Math.max(longest, world.host.history(osTransfer()).length);
    }
    expect(longest).toBeGreaterThan(10);
    expect(longest).toBeLessThan(COMMAND_LOOKS_PER_EXECUTION * EVENTS_PER_LOOK);
    await world.until(() => world.item.phase === 'rollingBack', 2 * DAY_MS);
    expect(world.timers.now().toISOString()).toBe(deadlineAt);
    expect(recordOf('replicate-0-os')).toMatchObject({
      deadlineAt,
      result: { ok: false, error: { code: 'FB-ORC-003', values: { minutes: 7 * 24 * 60 } } },
    });
    const sent = world.agents.received.filter((id) => id.includes('replicate-0-os'));
    expect(sent).toHaveLength(1);
    world.terminateEverything();
  });

  it.each([-1_000, -1, 0, 1, 1_000])(
    'is heard when its result comes %i ms around the moment at which the wait starts afresh',
    async (offsetMs) => {
      world.agents.behaviours.plan('replicateDisk', { afterMs: executionMs() + offsetMs }, 2);
      await world.start();
      await world.until(() => recordOf('replicate-0-os') !== null);
      const sentAtMs = Date.parse(
        must(recordOf('replicate-0-os'), 'the command replicate-0-os').sentAt,
      );
      await world.until(() => world.job().cycles.length === 1, DAY_MS);
      const tookMs = world.timers.now().getTime() - sentAtMs;
      expect(tookMs).toBeGreaterThanOrEqual(executionMs() + offsetMs);
      // At worst the first look of the new execution finds it, then the point is sealed.
      expect(tookMs).toBeLessThan(executionMs() + offsetMs + POLL_MS.commandFirst + 2_000);
    },
  );

  it('is heard although the event of its result gets lost and the wait has just started afresh', async () => {
    const afterMs = executionMs();
    world.agents.behaviours.plan('replicateDisk', { afterMs, answer: 'withoutEvent' }, 2);
    await world.start();
    await world.until(() => recordOf('replicate-0-os')?.result != null, DAY_MS);
    const reportedAtMs = world.timers.now().getTime();
    await world.until(() => world.job().cycles.length === 1, HOUR_MS);
    const laterMs = world.timers.now().getTime() - reportedAtMs;
    expect(laterMs).toBeLessThan(POLL_MS.commandFirst + 2_000);
  });

  it('is broken off by a cancel in its second day as quickly as in its first minute', async () => {
    world.agents.behaviours.plan('replicateDisk', { afterMs: 3 * DAY_MS }, 1);
    await world.start();
    await world.untilPhase('initialReplication');
    await world.advance(DAY_MS + 77 * MINUTE_MS);
    const askedAtMs = world.timers.now().getTime();
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(endedAtMs(job) - askedAtMs).toBeLessThan(5 * MINUTE_MS);
  });

  it('survives a host that dies and is down for an hour while the wait starts afresh', async () => {
    world.agents.behaviours.plan('replicateDisk', { afterMs: executionMs() + HOUR_MS }, 2);
    await world.start();
    await world.untilPhase('initialReplication');
    await world.advance(executionMs() - MINUTE_MS);
    world.host.crashAfter(1);
    await world.until(() => world.host.isCrashed);
    world.host.clock.moveTo(new Date(world.timers.now().getTime() + HOUR_MS));
    await world.host.restart();
    await world.until(() => world.item.phase === 'replicating', DAY_MS);
    expect(world.agents.timesDone('replicateDisk')).toBe(world.item.disks.length);
  });
});

describe('the deadline of a command', () => {
  it.each([
    ['prepare-target', 'prepareTarget', 'siteChange'],
    ['seal-0', 'sealRecoveryPoint', 'seal'],
    ['describe-site', 'describeSite', 'quickCommand'],
  ] as const)('of the step %s is kept to the second', async (step, name, deadline) => {
    world.agents.behaviours.plan(name, { answer: 'never' });
    await world.start();
    await world.until(() => recordOf(step) !== null);
    const { sentAt } = must(recordOf(step), 'the command');
    await world.until(() => recordOf(step)?.result != null, 8 * DAY_MS);
    expect(world.timers.now().getTime() - Date.parse(sentAt)).toBe(DEADLINE_MS[deadline]);
    expect(recordOf(step)?.result).toMatchObject({ ok: false, error: { code: 'FB-ORC-003' } });
    world.terminateEverything();
  });

  it('of a seal is as far away as that of a transfer, and its wait has a short history, too', async () => {
    world.agents.behaviours.plan('sealRecoveryPoint', { answer: 'never' });
    await world.start();
    await world.until(() => recordOf('seal-0') !== null);
    const { sentAt, deadlineAt } = must(recordOf('seal-0'), 'the command seal-0');
    expect(Date.parse(deadlineAt) - Date.parse(sentAt)).toBe(DEADLINE_MS.transfer);
    await world.advance(DAY_MS);
    for (const part of ['seal-0', 'reprotect']) {
      const { length } = world.host.history(partInstanceId(world.job().id, part));
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThan(COMMAND_LOOKS_PER_EXECUTION * EVENTS_PER_LOOK);
    }
    world.terminateEverything();
  });

  it('that a result meets in its last second is not given up', async () => {
    const afterMs = DEADLINE_MS.siteChange - 1_000;
    world.agents.behaviours.plan('prepareTarget', { afterMs }, 1);
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
  });
});
