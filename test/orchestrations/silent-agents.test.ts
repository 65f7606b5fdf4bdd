import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CONFIGURATION_SERVER,
  HOUR_MS,
  MASTER_TARGET,
  MINUTE_MS,
} from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

afterEach(() => {
  world.dispose();
});

const PROCESS_SERVER = 'ps-failback-ps-shop';

/** Waits for its next cycle, minutes away, so that nothing but the failover is there to notice who is silent. */
async function replicating(): Promise<void> {
  world = await World.create();
  await world.start({ cycleIntervalSeconds: 3600 });
  await world.until(() => world.job().cycles.length === 2);
  await world.settle();
}

const heldBack = (): boolean => world.job().heldBack !== undefined;

describe('a failover while an agent that it needs is silent', () => {
  beforeEach(replicating);

  it.each([
    [CONFIGURATION_SERVER, 'configurationServer named cs1', 'latestProcessed'],
    [MASTER_TARGET, 'masterTarget named mt1', 'latestProcessed'],
    [CONFIGURATION_SERVER, 'configurationServer named cs1', 'latest'],
    [PROCESS_SERVER, 'processServer named failback-ps-shop', 'latest'],
  ])('is put back before anything is shut down, and names it: %s', async (agent, name, point) => {
    world.setAgentDown(agent, true);
    await world.advance(2 * MINUTE_MS);
    await world.ask('failover', point);
    await world.until(heldBack);
    await world.settle();
    expect(world.vm.powerActions).toEqual([]);
    expect(world.item.phase).toBe('replicating');
    const [health] = (await world.view()).health;
    expect(health).toMatchObject({ code: 'FB-RCV-019' });
    expect(health?.message).toContain(`FB-ORC-010 No ${name}`);
    world.setAgentDown(agent, false);
    await world.ask('failover', point);
    await world.untilWaiting('commitPending');
  });

  it('needs no process server where no last delta is sent', async () => {
    world.setAgentDown(PROCESS_SERVER, true);
    await world.advance(2 * MINUTE_MS);
    await world.ask('failover', 'latestProcessed');
    await world.untilWaiting('commitPending');
    expect(world.job()).not.toHaveProperty('heldBack');
  });
});

describe('a failover by itself while the configuration server is silent', () => {
  it('is put back, keeps its pace, and comes once the agent is back', async () => {
    world = await World.create();
    world.agents.behaviours.plan('replicateDisk', { afterMs: 2 * MINUTE_MS }, 4);
    await world.start({ cycleIntervalSeconds: 600, autoFailover: true });
    await world.untilPhase('replicating');
    world.setAgentDown(CONFIGURATION_SERVER, true);
    await world.until(heldBack);
    const { length } = world.job().cycles;
    await world.advance(HOUR_MS);
    expect(world.vm.powerActions).toEqual([]);
    const since = world.job().cycles.length - length;
    expect(since).toBeGreaterThanOrEqual(4);
    expect(since).toBeLessThanOrEqual(7);
    world.setAgentDown(CONFIGURATION_SERVER, false);
    await world.untilWaiting('commitPending');
  });
});

describe('a way back that begins before anything was started at home', () => {
  it('starts the Azure VM at once, although the configuration server is gone', async () => {
    await replicating();
    world.agents.behaviours.plan('replicateDisk', { answer: 'never' });
    await world.ask('failover');
    await world.untilPhase('finalDelta');
    await world.advance(MINUTE_MS);
    world.setAgentDown(CONFIGURATION_SERVER, true);
    await world.advance(2 * MINUTE_MS);
    await world.ask('cancel');
    await world.until(() => world.vm.state === 'running');
    expect(world.item.phase).toBe('rollingBack');
    expect(await world.untilEnd()).toMatchObject({
      state: 'failed',
      error: { code: 'FB-ORC-010' },
    });
    expect(world.job().report.undo).toEqual([{ step: 'start the Azure VM', outcome: 'done' }]);
    expect(world.item).toMatchObject({ phase: 'rollingBack', rollingBackFrom: 'finalDelta' });
    // The next attempt knows it, too, whatever happened to the VM meanwhile.
    await world.vm.beginPowerChange('shop', 'web-azure', 'powerOff');
    await world.advance(MINUTE_MS);
    await world.takeUp('resume');
    await world.until(() => world.vm.state === 'running');
    world.setAgentDown(CONFIGURATION_SERVER, false);
    world.agents.behaviours.heal('replicateDisk');
    await world.untilPhase('replicating');
    expect(world.item).not.toHaveProperty('rollingBackFrom');
    await world.ask('cancel');
    await world.untilEnd();
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('waits for the site where the machine may run at home', async () => {
    await replicating();
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    world.setAgentDown(CONFIGURATION_SERVER, true);
    await world.ask('cancel');
    await world.untilEnd(20 * HOUR_MS);
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
    expect(world.item).toMatchObject({ phase: 'rollingBack', rollingBackFrom: 'commitPending' });
    world.setAgentDown(CONFIGURATION_SERVER, false);
    await world.takeUp('resume');
    await world.until(() => world.vm.state === 'running');
    expect(world.machines.home).toBe('off');
    await world.untilPhase('replicating');
    await world.ask('cancel');
    await world.untilEnd();
  });
});
