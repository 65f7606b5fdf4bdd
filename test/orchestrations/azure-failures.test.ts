import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ACTIVITY_RETRY } from '../../shared/contracts/activities.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { refused } from '../support/world/faults.ts';
import { MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

/** Pauses between the attempts, as the policy says. */
function pausesOf(activity: keyof typeof ACTIVITY_RETRY, attempts: number): number {
  const { firstDelayMs, backoff, maxDelayMs } = ACTIVITY_RETRY[activity];
  let sumMs = 0;
  for (let pause = 0; pause < attempts - 1; pause += 1) {
    sumMs += Math.min(firstDelayMs * backoff ** pause, maxDelayMs);
  }
  return sumMs;
}

describe('Azure when it is too busy', () => {
  it('is asked again after growing pauses, and nobody notices', async () => {
    world.faults.fail('snapshots.take', 4);
    await world.startAutomatic();
    await world.untilPhase('initialReplication');
    const sinceMs = world.timers.now().getTime();
    await world.until(() => world.snapshots.taken.length > 0);
    expect(world.timers.now().getTime() - sinceMs).toBe(pausesOf('takeSnapshots', 5));
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('for longer than all retries ends in FB-ORC-001 and a rollback', async () => {
    world.faults.fail('snapshots.take', Number.POSITIVE_INFINITY);
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'failedOver',
      error: { code: 'FB-ORC-001', values: { activity: 'takeSnapshots' } },
    });
    expect(job.error?.message).toContain('TooManyRequests');
    const { maxAttempts } = ACTIVITY_RETRY.takeSnapshots;
    expect(world.faults.count('snapshots.take')).toBe(maxAttempts);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it.each(['vms.beginPowerChange', 'vms.beginDelete', 'snapshots.take', 'replicas.seal'])(
    'and loses the answer of %s, the repetition does no harm',
    async (call) => {
      world.faults.failAfter(call, 1);
      await world.startAutomatic();
      expect((await world.untilEnd()).state).toBe('succeeded');
      expect(world.vm.deletions).toBe(1);
      expect(new Set(world.snapshots.taken).size).toBe(world.snapshots.taken.length);
    },
  );
});

describe('Azure when it refuses', () => {
  it('is not asked again, and the failback is rolled back with what Azure said', async () => {
    world.faults.fail('vms.beginPowerChange', 1, refused());
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'failedOver',
      error: { code: 'FB-AZ-001', values: { code: 'AuthorizationFailed' } },
    });
    expect(world.vm.powerActions).toEqual([]);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('to deploy a process server, nothing at home was touched yet', async () => {
    world.faults.fail('processServers.deploy', 1, refused());
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-AZ-001' } });
    expect(world.agents.timesDone('prepareTarget')).toBe(0);
  });

  it('to delete the VM after the point of no return, the failback can be taken up', async () => {
    world.faults.fail('vms.beginDelete', 1, refused());
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'committing',
      error: { code: 'FB-AZ-001' },
    });
    expect(world.machines).toEqual({ azure: 'deallocated', home: 'on' });
    expect(world.item).toMatchObject({ phase: 'committing', activeJobId: null });
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
  });
});

describe('the Azure VM', () => {
  it('that never stops is reported with FB-ORC-008 and the failback is rolled back', async () => {
    world.vm.isStuck = true;
    await world.startAutomatic();
    await world.untilPhase('rollingBack');
    world.vm.isStuck = false;
    const job = await world.untilEnd();
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'failedOver',
      error: { code: 'FB-ORC-008', values: { vmName: 'web-azure', actual: 'changing' } },
    });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('stays whole when the copy that is to remain in Azure fails', async () => {
    world.replicas.isBroken = true;
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-009' } });
    expect(world.vm.deletions).toBe(0);
    expect(world.machines).toEqual({ azure: 'deallocated', home: 'on' });
    world.replicas.isBroken = false;
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
  });
});

describe('a new process server', () => {
  it('may take its twelve minutes', async () => {
    world.processServers.registersAfterMs = 12 * MINUTE_MS;
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it('that never registers is given up with FB-ORC-004 and removed', async () => {
    world.processServers.registersAfterMs = null;
    await world.startAutomatic();
    const job = await world.untilEnd();
    const minutes = DEADLINE_MS.processServerRegistration / MINUTE_MS;
    expect(job).toMatchObject({
      state: 'failed',
      phase: 'failedOver',
      error: { code: 'FB-ORC-004', values: { name: 'failback-ps-shop', minutes } },
    });
    expect(world.processServers.names).toEqual([]);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });
});
