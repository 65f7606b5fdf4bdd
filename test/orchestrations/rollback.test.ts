import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ACTIVITY_RETRY } from '../../shared/contracts/activities.ts';
import { partInstanceId } from '../../shared/contracts/orchestrations.ts';
import type { Phase } from '../../shared/domain/phases.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { refused } from '../support/world/faults.ts';
import {
  CONFIGURATION_SERVER,
  HOUR_MS,
  MASTER_TARGET,
  MINUTE_MS,
} from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

/** A failback that runs at home and waits for its commit. */
async function startToCommitGate(): Promise<void> {
  await world.start();
  await world.ask('failover');
  await world.untilWaiting('commitPending');
}

describe('a rollback that cannot stop the machine at home', () => {
  const hangs = new FailbackError('FB-SITE-900', { command: 'stopVm', reason: 'it hangs' });

  it('does not start the Azure VM and says so with FB-ORC-011', async () => {
    await startToCommitGate();
    world.agents.behaviours.plan('stopVm', { error: hangs });
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'rollingBack',
      error: { code: 'FB-ORC-011', values: { vmName: 'web-azure' } },
    });
    expect(job.error?.message).toContain('stop the on-premises VM: FB-SITE-900');
    expect(job.error?.message).toContain('start the Azure VM: skipped');
    expect(job.report.undo).toContainEqual({
      step: 'start the Azure VM',
      outcome: 'skipped: the on-premises VM may still run',
    });
    expect(world.vm.powerActions).toEqual(['powerOff']);
    expect(world.item).toMatchObject({ phase: 'rollingBack', activeJobId: null });
  });

  it('is completed by the failback that is started next, before it does anything else', async () => {
    await startToCommitGate();
    world.agents.behaviours.plan('stopVm', { error: hangs }, 1);
    await world.ask('cancel');
    expect((await world.untilEnd()).state).toBe('failed');
    await world.advance(MINUTE_MS);
    await world.startAutomatic();
    await world.untilPhase('initialReplication');
    expect(world.phases.slice(-3)).toEqual(['failedOver', 'preparing', 'initialReplication']);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('does not start the Azure VM either when the configuration server is gone for good', async () => {
    await startToCommitGate();
    await world.advance(MINUTE_MS);
    world.setAgentDown(CONFIGURATION_SERVER, true);
    await world.advance(5 * MINUTE_MS);
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'rollingBack',
      error: { code: 'FB-ORC-010' },
    });
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
    expect(world.item.activeJobId).toBeNull();
  });
});

describe('a rollback', () => {
  it('waits for a configuration server that is away for a while', async () => {
    await startToCommitGate();
    world.setAgentDown(CONFIGURATION_SERVER, true);
    await world.advance(5 * MINUTE_MS);
    await world.ask('cancel');
    await world.advance(10 * MINUTE_MS);
    expect(world.item.phase).toBe('rollingBack');
    world.setAgentDown(CONFIGURATION_SERVER, false);
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('that cannot start the Azure VM says so with FB-ORC-011 and what Azure said', async () => {
    await startToCommitGate();
    world.faults.fail('vms.beginPowerChange', Number.POSITIVE_INFINITY, refused());
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'rollingBack',
      error: { code: 'FB-ORC-011' },
    });
    expect(job.error?.message).toContain('start the Azure VM: FB-AZ-001');
    expect(world.machines).toEqual({ azure: 'stopped', home: 'off' });
    world.faults.heal('vms.beginPowerChange');
    await world.advance(MINUTE_MS);
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('goes on when one of its clean-ups fails, reports it, and is complete all the same', async () => {
    await startToCommitGate();
    const full = new FailbackError('FB-JRN-004');
    world.agents.behaviours.plan('discardUnsealed', { error: full });
    world.faults.fail('processServers.remove', 1, refused());
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(job.history.at(-1)?.message).toContain('2 clean-up steps failed');
    const outcomes = new Map(job.report.undo?.map(({ step, outcome }) => [step, outcome]));
    expect(outcomes.get('discard what was staged')).toMatch(/^FB-JRN-004/);
    expect(outcomes.get('retire the process server')).toMatch(/^FB-AZ-001/);
    expect(outcomes.get('start the Azure VM')).toBe('done');
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('needs no master target to bring the machine back', async () => {
    await startToCommitGate();
    world.agents.setDown(MASTER_TARGET, true);
    await world.ask('cancel');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('starts the Azure VM at once when the master target is gone for good, and says what is left', async () => {
    await startToCommitGate();
    world.setAgentDown(MASTER_TARGET, true);
    await world.advance(10 * MINUTE_MS);
    const askedAt = world.timers.now().getTime();
    await world.ask('cancel');
    await world.until(() => world.machines.azure === 'running');
    expect(world.timers.now().getTime() - askedAt).toBeLessThan(MINUTE_MS);
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(job.report.undo).toContainEqual({
      step: 'close the disks',
      outcome: 'skipped: the master target is not connected',
    });
    expect(job.history.at(-1)?.message).toContain('1 clean-up steps failed');
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('leaves nothing at a master target that was away which the next failback would take for its own', async () => {
    await startToCommitGate();
    world.setAgentDown(MASTER_TARGET, true);
    await world.advance(10 * MINUTE_MS);
    await world.ask('cancel');
    await world.untilEnd();
    world.setAgentDown(MASTER_TARGET, false);
    const closed = world.agents.timesDone('closeTarget');
    await world.startAutomatic();
    await world.untilPhase('initialReplication');
    const since = world.agents.done.filter(({ name }) => /^(close|open|prepare)Target/.test(name));
    expect(since.slice(-3).map(({ name }) => name)).toEqual([
      'closeTarget',
      'prepareTarget',
      'openTarget',
    ]);
    expect(world.agents.timesDone('closeTarget')).toBe(closed + 1);
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('does not ask what became of the disks in Azure: one that was resized keeps nobody from going back', async () => {
    await startToCommitGate();
    world.vm.disks = world.vm.disks.map((disk) => ({ ...disk, sizeBytes: 2 * disk.sizeBytes }));
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('that is tried again does not start a VM that was off before the failback had come to it', async () => {
    await world.vm.beginPowerChange('shop', 'web-azure', 'powerOff');
    await world.advance(MINUTE_MS);
    await world.start();
    await world.untilWaiting('replicating');
    const hangs = new FailbackError('FB-SITE-900', { command: 'stopVm', reason: 'it hangs' });
    world.agents.behaviours.plan('stopVm', { error: hangs }, 1);
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'failed', phase: 'rollingBack' });
    await world.takeUp('restart');
    await world.untilWaiting('replicating');
    expect(world.machines).toEqual({ azure: 'stopped', home: 'off' });
    expect(world.vm.powerActions).toEqual(['powerOff']);
    await world.ask('cancel');
    await world.untilEnd();
  });

  it('keeps the reason for going back in sight when it does not succeed itself', async () => {
    const noSignOfLife = new FailbackError('FB-SITE-005', {
      vmName: 'web',
      seconds: 120,
      console: 'kernel panic',
    });
    world.agents.behaviours.plan('verifyBoot', { error: noSignOfLife });
    await world.startAutomatic();
    await world.untilPhase('booting');
    world.faults.fail('vms.beginPowerChange', Number.POSITIVE_INFINITY, refused());
    const job = await world.untilEnd();
    expect(job.error?.code).toBe('FB-ORC-011');
    expect(JSON.stringify({ error: job.error, history: job.history })).toContain('FB-SITE-005');
  });

  it('does not hide a failure that came before anything was changed', async () => {
    const { maxAttempts } = ACTIVITY_RETRY.enterPhase;
    // Starting reads the item, writes the job and takes the item; the next write is that of the first phase.
    world.faults.afterCalls(3, async () => world.faults.fail('items.replace', maxAttempts));
    await world.start();
    const job = await world.untilEnd();
    expect(job.error?.message).toContain('TooManyRequests');
    expect(world.item).toMatchObject({ phase: 'failedOver', activeJobId: null });
  });
});

describe('a failback whose main orchestration alone was terminated from outside', () => {
  it.each<Phase>(['initialReplication', 'finalDelta', 'booting', 'commitPending'])(
    'in %s: its parts, which live on, never boot beside the failback that is started next',
    async (phase) => {
      world.agents.behaviours.plan('verifyDisks', { afterMs: 30 * MINUTE_MS }, 1);
      const { instanceId } = await world.start({ autoFailover: true });
      await world.untilPhase(phase);
      world.host.management.terminate(instanceId, 'from outside');
      await world.advance(2 * MINUTE_MS);
      world.agents.behaviours.plan('replicateDisk', { afterMs: 20 * MINUTE_MS });
      await world.start();
      await world.advance(HOUR_MS);
      expect(world.invariants.violations).toEqual([]);
    },
  );

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    '%i s into the boot: its parts never boot beside the Azure VM',
    async (seconds) => {
      const { instanceId } = await world.start({ autoFailover: true });
      await world.untilPhase('booting');
      await world.advance(seconds * 1_000);
      world.host.management.terminate(instanceId, 'from outside');
      world.agents.behaviours.plan('replicateDisk', { afterMs: 20 * MINUTE_MS });
      await world.start();
      await world.advance(10 * MINUTE_MS);
      expect(world.invariants.violations).toEqual([]);
    },
  );
});

describe('a part of a failback', () => {
  it('that was ended from outside ends the failback with FB-ORC-002 and goes back', async () => {
    const { id } = await world.start();
    await world.untilPhase('initialReplication');
    world.host.management.terminate(partInstanceId(id, 'reprotect'), 'from outside');
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'failedOver',
      error: { code: 'FB-ORC-002', values: { orchestration: 'reprotect' } },
    });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });
});
