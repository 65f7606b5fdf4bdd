import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Job } from '../../shared/domain/job.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { refused } from '../support/world/faults.ts';
import { MASTER_TARGET, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

/** At home, waiting for the commit. */
async function untilCommitGate(recoveryPoint?: string): Promise<void> {
  await world.start();
  await world.untilWaiting('replicating');
  await world.ask('failover', recoveryPoint);
  await world.untilWaiting('commitPending');
}

/** A schedule starts the Azure VM. The invariant that is broken by that is not ours to keep. */
async function startBySchedule(): Promise<void> {
  await world.vm.beginPowerChange('shop', 'web-azure', 'start');
  await world.advance(MINUTE_MS);
  world.invariants.violations.length = 0;
}

async function stopByHand(): Promise<void> {
  await world.vm.beginPowerChange('shop', 'web-azure', 'deallocate');
  await world.advance(MINUTE_MS);
}

const lastDelta = (): number => {
  const { cycles } = world.job();
  const { pointId = '' } = cycles.at(-1) ?? {};
  return world.snapshots.point(pointId).content;
};

/** The replicas cannot be copied to until somebody mends it. */
async function breakOffCommit(): Promise<Job> {
  world.replicas.isBroken = true;
  await world.ask('commit');
  const job = await world.untilEnd();
  world.replicas.isBroken = false;
  return job;
}

describe('a commit', () => {
  const lines = (): string[] => world.job().history.map(({ message }) => message);

  it('frees the retention volume of all that nobody can go back to any more', async () => {
    await untilCommitGate();
    expect(world.site.replication('web').older).not.toEqual([]);
    expect(world.agents.timesDone('forgetOlderPoints')).toBe(0);
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.site.replication('web').older).toEqual([]);
    expect(world.agents.timesDone('forgetOlderPoints')).toBe(1);
  });

  it('does not fail because of that, and says so', async () => {
    await untilCommitGate();
    const error = new FailbackError('FB-SITE-900', { command: 'forget', reason: 'injected' });
    world.agents.behaviours.plan('forgetOlderPoints', { error });
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(lines()).toContainEqual(
      expect.stringMatching(/^Older recovery points stay on the retention volume .*FB-SITE-900/),
    );
  });
});

describe('a commit that broke off', () => {
  it('is taken up with the snapshots that the master target has sealed, not with the disks', async () => {
    await untilCommitGate('latestProcessed');
    const sealed = lastDelta();
    const { base } = world.item;
    const broken = await breakOffCommit();
    expect(broken).toMatchObject({ state: 'failed', phase: 'committing' });
    expect(world.item).toMatchObject({ phase: 'committing', base });
    expect(world.vm.writes.content).toBeGreaterThan(sealed);
    await world.takeUp('resume');
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.replicas.seeds.length).toBeGreaterThan(2);
    expect(new Set(world.replicas.seeds)).toEqual(new Set([sealed]));
    expect(world.item.base).toEqual({});
  });

  it('behind the copy does not copy again what the way back may have written to', async () => {
    await untilCommitGate();
    world.faults.fail('vms.beginDelete', Number.POSITIVE_INFINITY, refused());
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({ state: 'failed', phase: 'committing' });
    const { seededAt } = world.job().report;
    expect(seededAt).toBeDefined();
    world.faults.heal('vms.beginDelete');
    await world.takeUp('resume');
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded', report: { seededAt } });
    expect(world.replicas.seeds).toHaveLength(2);
  });

  it('and whose Azure VM was started since is not taken up while it runs', async () => {
    await untilCommitGate();
    await breakOffCommit();
    await startBySchedule();
    await world.takeUp('resume');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ phase: 'committing', error: { code: 'FB-ORC-014' } });
    expect(world.vm.deletions).toBe(0);
    await stopByHand();
    await world.takeUp('resume');
    expect((await world.untilEnd()).state).toBe('succeeded');
    // What the guest wrote at last is nowhere else: whoever stops the VM has decided that.
    world.invariants.violations.length = 0;
  });
});

describe('a commit of a machine whose Azure VM runs again', () => {
  it('is refused at the gate, says so, and is asked for anew once the VM is off', async () => {
    await untilCommitGate();
    const sealed = lastDelta();
    await startBySchedule();
    await world.ask('commit');
    await world.advance(MINUTE_MS);
    const job = world.job();
    expect(job).toMatchObject({ state: 'waitingForOperator', phase: 'commitPending', intents: {} });
    expect(job.history.at(-1)?.message).toContain('FB-ORC-014');
    expect(job.tasks?.slice(-2)).toMatchObject([
      { name: 'waitForCommit', state: 'failed', error: { code: 'FB-ORC-014' } },
      { name: 'waitForCommit', state: 'waitingForOperator', endedAt: null },
    ]);
    const { health, healthErrors } = await world.viewItem();
    expect(health).toBe('Critical');
    expect(healthErrors.map(({ code }) => code)).toEqual(['FB-ORC-014', 'FB-HLT-004']);
    await world.ask('commit');
    await world.advance(MINUTE_MS);
    expect(world.item.phase).toBe('commitPending');
    await stopByHand();
    await world.ask('commit');
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.replicas.seeds).toEqual([sealed, sealed]);
    world.invariants.violations.length = 0;
  });

  it('waits for a person where it would have been by itself', async () => {
    await world.startAutomatic();
    await world.untilPhase('booting');
    await startBySchedule();
    await world.untilWaiting('commitPending');
    expect(world.job().history.at(-1)?.message).toContain('FB-ORC-014');
    await stopByHand();
    await world.advance(10 * MINUTE_MS);
    expect(world.item.phase).toBe('commitPending');
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    world.invariants.violations.length = 0;
  });
});

describe('a disk that was attached to the Azure VM after it was recorded', () => {
  const attached = { id: 'lun-1', isOsDisk: false, diskName: 'web-late', sizeBytes: 1024 ** 3 };

  it('is refused before anything is copied', async () => {
    world.vm.disks = [...world.vm.disks, attached];
    await world.start();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', phase: 'failedOver' });
    expect(job.error?.code).toBe('FB-AZ-008');
    expect(world.snapshots.taken).toEqual([]);
  });

  it('is found by preflight with its name', async () => {
    world.vm.disks = [...world.vm.disks, attached];
    const id = await world.startPreflight();
    await world.untilHolds(() => world.preflights.peek(id)?.endedAt !== null, 10 * MINUTE_MS);
    const codes = world.preflights.peek(id)?.report?.findings.map(({ error }) => error);
    expect(codes).toContainEqual(
      expect.objectContaining({
        code: 'FB-PRE-027',
        values: expect.objectContaining({ diskName: 'web-late' }),
      }),
    );
  });

  it('while it was copied is not deleted: the commit stops before the VM, and goes on once it is detached', async () => {
    await untilCommitGate();
    world.vm.disks = [...world.vm.disks, attached];
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({
      state: 'failed',
      phase: 'committing',
      error: { code: 'FB-AZ-008', values: { diskName: 'web-late' } },
    });
    expect(world.vm.deletions).toBe(0);
    world.vm.disks = world.item.disks;
    await world.takeUp('resume');
    expect((await world.untilEnd()).state).toBe('succeeded');
  });
});

describe('a commit of a machine whose Azure VM somebody has deleted', () => {
  it('makes the replica of the snapshots that are there', async () => {
    await untilCommitGate();
    const sealed = lastDelta();
    world.vm.vanish();
    await world.ask('commit');
    const job = await world.untilEnd();
    expect(job.state).toBe('succeeded');
    expect(world.replicas.seeds).toEqual([sealed, sealed]);
    expect(world.vm.deletions).toBe(0);
  });

  it('is refused when they are gone, too: nothing is recorded as committed, nothing is written back', async () => {
    await untilCommitGate();
    world.vm.vanish();
    await world.snapshots.prune({ resourceGroup: 'shop', itemId: 'web', disks: [], keep: [] });
    await world.ask('commit');
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', phase: 'committing' });
    expect(job.error).toMatchObject({ code: 'FB-SRC-005', values: { diskName: 'web-os' } });
    expect(job.report).not.toHaveProperty('committedAt');
    expect(world.agents.timesDone('replicateToAzure')).toBe(0);
  });

  it('is taken up behind its pruning, where only the next phase was missed', async () => {
    await untilCommitGate();
    world.setAgentDown(MASTER_TARGET, true);
    await world.advance(10 * MINUTE_MS);
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({ state: 'failed', phase: 'committing' });
    expect(world.snapshots.names).toEqual([]);
    const lines = world.job().history.map(({ message }) => message);
    expect(lines).toContainEqual(expect.stringMatching(/^Older .* the master target is not conn/));
    world.setAgentDown(MASTER_TARGET, false);
    await world.takeUp('resume');
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.replicas.seeds).toHaveLength(2);
  });
});
