import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BEYOND_RETURN, type Phase } from '../../shared/domain/phases.ts';
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

/** Stops everything in the phase, as somebody does with the durable management API. */
async function stopIn(phase: Phase): Promise<string> {
  const { id } = await world.start({
    autoFailover: true,
    autoCommit: phase !== 'commitPending',
    rollBackOnBootFailure: false,
  });
  await world.untilPhase(phase);
  world.terminateEverything();
  await world.advance(2 * MINUTE_MS);
  return id;
}

const ON_THE_WAY: readonly Phase[] = ['preparing', 'replicating', 'finalDelta', 'booting'];

describe('resume of a failback that was stopped', () => {
  it.each<Phase>([...ON_THE_WAY, 'commitPending', 'committing', 'waitingForAgent'])(
    'in %s reaches the end with the options of the first job',
    async (phase) => {
      const first = await stopIn(phase);
      const bootsBefore = world.site.boots.length;
      await world.takeUp('resume', first);
      if (phase === 'commitPending') {
        await world.advance(MINUTE_MS);
        await world.ask('commit');
      }
      const job = await world.untilEnd();
      expect(job).toMatchObject({ state: 'succeeded', follows: first, phase: 'protected' });
      expect(job.options).toEqual(world.job(first).options);
      expect(world.job(first)).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-012' } });
      const goesOn = phase === 'commitPending' || BEYOND_RETURN.includes(phase);
      expect(world.site.boots.length - bootsBefore).toBe(goesOn ? 0 : 1);
    },
  );
});

describe('restart', () => {
  it.each<Phase>([...ON_THE_WAY, 'commitPending'])(
    'of one that was stopped in %s first has the machine running in Azure again',
    async (phase) => {
      const first = await stopIn(phase);
      await world.takeUp('restart', first);
      await world.untilPhase('initialReplication');
      expect(world.machines).toEqual({ azure: 'running', home: 'off' });
      expect(world.job()).toMatchObject({ follows: first, cycles: [] });
      expect(world.job().report).not.toHaveProperty('proof');
      await world.untilPhase('booting');
    },
  );

  it('is refused beyond the point of no return: there is nothing left to go back to', async () => {
    const first = await stopIn('waitingForAgent');
    await expect(world.takeUp('restart', first)).rejects.toMatchObject({ code: 'FB-REQ-005' });
    expect(world.jobs.all()).toHaveLength(1);
  });

  it('of one that failed and went back begins anew', async () => {
    const error = new FailbackError('FB-SITE-005', { vmName: 'web', seconds: 120, console: '' });
    world.agents.behaviours.plan('verifyBoot', { error }, 1);
    await world.startAutomatic();
    const first = await world.untilEnd();
    await expect(world.takeUp('resume')).rejects.toMatchObject({ code: 'FB-REQ-005' });
    await world.advance(MINUTE_MS);
    await world.takeUp('restart', first.id);
    expect((await world.untilEnd()).state).toBe('succeeded');
  });
});

describe('taking a job up', () => {
  it('is refused while it runs', async () => {
    const { id } = await world.start();
    await expect(world.takeUp('resume', id)).rejects.toMatchObject({ code: 'FB-REQ-004' });
    await expect(world.takeUp('restart', id)).rejects.toMatchObject({ code: 'FB-REQ-004' });
  });

  it('is refused for one that succeeded', async () => {
    await world.startAutomatic();
    const { id } = await world.untilEnd();
    await expect(world.takeUp('resume', id)).rejects.toMatchObject({ code: 'FB-REQ-007' });
    await expect(world.takeUp('restart', id)).rejects.toMatchObject({ code: 'FB-REQ-007' });
  });

  it('is refused for one that another job came after', async () => {
    const { id: first } = await world.start();
    await world.ask('cancel');
    await world.untilEnd();
    await world.advance(MINUTE_MS);
    await world.start();
    await expect(world.takeUp('restart', first)).rejects.toMatchObject({ code: 'FB-REQ-003' });
    await world.ask('cancel');
    await world.untilEnd();
    await expect(world.takeUp('restart', first)).rejects.toMatchObject({ code: 'FB-REQ-032' });
  });
});
