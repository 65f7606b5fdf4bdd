import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { must } from '../support/must.ts';
import { CONFIGURATION_SERVER, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';
import { endedAtMs } from '../support/world/readings.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

describe('the re-registration window of the mobility agent', () => {
  it('is fifteen minutes', () => {
    expect(DEADLINE_MS.agentRegistration).toBe(15 * MINUTE_MS);
  });

  it('waits through "agent not installed" and goes on when it registers in the fourteenth minute', async () => {
    world.site.agentRegistersAfterMs = null;
    await world.startAutomatic();
    await world.untilPhase('waitingForAgent');
    const waitingSinceMs = world.timers.now().getTime();
    const bootedAtMs = must(
      must(world.site.findByName('web'), 'the machine at home').startedAt,
      'the start of the machine at home',
    ).getTime();
    world.site.agentRegistersAfterMs = waitingSinceMs + 14 * MINUTE_MS - bootedAtMs;
    const job = await world.untilEnd();
    expect(job.state).toBe('succeeded');
    const registeredAt = new Date(waitingSinceMs + 14 * MINUTE_MS).toISOString();
    expect(job.report.agentRegisteredAt).toBe(registeredAt);
    expect(world.agents.timesDone('checkMobilityAgent')).toBeGreaterThan(20);
  });

  it('ends with FB-ORC-007 and leaves the machine running at home when it never registers', async () => {
    world.site.agentRegistersAfterMs = null;
    await world.startAutomatic();
    await world.untilPhase('waitingForAgent');
    const waitingSinceMs = world.timers.now().getTime();
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'waitingForAgent',
      error: { code: 'FB-ORC-007', values: { vmName: 'web', minutes: 15 } },
    });
    expect(endedAtMs(job) - waitingSinceMs).toBeGreaterThanOrEqual(15 * MINUTE_MS);
    expect(endedAtMs(job) - waitingSinceMs).toBeLessThan(17 * MINUTE_MS);
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    expect(world.item).toMatchObject({ phase: 'waitingForAgent', activeJobId: null });
    expect((await world.view()).allowedActions).toEqual(['resume']);
    await expect(world.ask('cancel')).rejects.toMatchObject({ code: 'FB-REQ-007' });
  });

  it('is taken up by a failback that is started again, which goes on with the reverse replication', async () => {
    world.site.agentRegistersAfterMs = null;
    await world.startAutomatic();
    await world.untilEnd();
    world.site.agentRegistersAfterMs = 0;
    await world.start();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'succeeded', phase: 'protected' });
    expect(world.phases.slice(-3)).toEqual(['waitingForAgent', 'reverseReplicating', 'protected']);
    expect(world.site.boots).toEqual(['web']);
    expect(world.vm.deletions).toBe(1);
  });

  it('does not wait fifteen minutes for a configuration server that has gone', async () => {
    await world.startAutomatic();
    await world.untilPhase('committing');
    world.setAgentDown(CONFIGURATION_SERVER, true);
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-003' } });
    expect(world.agents.timesDone('checkMobilityAgent')).toBe(0);
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    expect(world.item.activeJobId).toBeNull();
  });

  it('ends at once when the check fails for another reason than a missing agent', async () => {
    const gone = new FailbackError('FB-SITE-002', { vmName: 'web' });
    world.agents.behaviours.plan('checkMobilityAgent', { error: gone });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-SITE-002' } });
    expect(world.agents.timesDone('checkMobilityAgent')).toBe(1);
    expect(world.item.phase).toBe('waitingForAgent');
  });
});
