import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BEYOND_RETURN, type Phase, STARTABLE } from '../../shared/domain/phases.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

/** Brings the item into a phase and stops everything there, as an operator does who terminates it all. */
async function abandonIn(phase: Phase): Promise<void> {
  if (phase === 'failedOver') return;
  if (phase === 'bootFailed') {
    const error = new FailbackError('FB-SITE-005', { vmName: 'web', seconds: 120, console: '' });
    world.agents.behaviours.plan('verifyBoot', { error }, 1);
  }
  // Only a gate that waits for a person can be stopped at the gate.
  const autoCommit = phase !== 'commitPending';
  await world.start({ autoFailover: true, autoCommit, rollBackOnBootFailure: false });
  if (phase === 'rollingBack') {
    await world.untilPhase('booting');
    await world.ask('cancel');
  }
  await world.untilPhase(phase);
  world.terminateEverything();
  await world.advance(2 * MINUTE_MS);
  expect(world.item.phase).toBe(phase);
}

describe('a failback that is started where an earlier one stopped', () => {
  it.each(STARTABLE)('in %s reaches the end', async (phase) => {
    await abandonIn(phase);
    const bootsBefore = world.site.boots.length;
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'succeeded', phase: 'protected', error: null });
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    expect(world.vm.deletions).toBe(1);
    expect(world.item).toMatchObject({ phase: 'protected', activeJobId: null });
    // Beyond the point of no return, and at the gate before it, the machine at home just runs on.
    const isTakenUp = phase === 'commitPending' || BEYOND_RETURN.includes(phase);
    expect(world.site.boots.length - bootsBefore).toBe(isTakenUp ? 0 : 1);
    expect(job.report.proof).toMatchObject({ mismatches: 0 });
  });

  it.each(STARTABLE.filter((phase) => !BEYOND_RETURN.includes(phase) && phase !== 'commitPending'))(
    'in %s has the machine running in Azure again before it begins anew',
    async (phase) => {
      await abandonIn(phase);
      await world.start();
      await world.untilPhase('initialReplication');
      expect(world.machines).toEqual({ azure: 'running', home: 'off' });
      expect(world.job().cycles).toEqual([]);
    },
  );

  it('ends the earlier job, which otherwise would run for ever', async () => {
    await abandonIn('replicating');
    const earlier = world.job().id;
    await world.start();
    expect(world.job(earlier)).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-012' } });
    expect(world.job().id).not.toBe(earlier);
  });

  it('at the gate before the commit shows that it waits, and may still go back', async () => {
    await world.start({ autoFailover: true });
    await world.untilWaiting('commitPending');
    world.terminateEverything();
    await world.start();
    await world.advance(MINUTE_MS);
    expect(await world.view()).toMatchObject({
      state: 'waitingForOperator',
      phase: 'commitPending',
      allowedActions: ['commit', 'cancel'],
    });
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('can be taken up again and again until the reverse replication works', async () => {
    const broken = new FailbackError('FB-JRN-007', { status: 500, code: 'injected' });
    world.agents.behaviours.plan('replicateToAzure', { error: broken }, 3);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await world.startAutomatic();
      const job = await world.untilEnd();
      expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-JRN-007' } });
      expect(world.item).toMatchObject({ phase: 'reverseReplicating', activeJobId: null });
    }
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.jobs.all()).toHaveLength(4);
  });

  it('right after the earlier one retired its process server deploys a new one', async () => {
    await world.start();
    await world.untilWaiting('replicating');
    await world.ask('cancel');
    await world.untilEnd();
    expect(world.processServers.names).toEqual([]);
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.processServers.deployments).toBe(2);
  });
});
