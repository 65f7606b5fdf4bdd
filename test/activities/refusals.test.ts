import { describe, expect, it } from '@jest/globals';
import { createActivities } from '../../activities/create-activities.ts';
import type { ActivityName } from '../../shared/contracts/activities.ts';
import { InvariantViolation } from '../../shared/domain/assert.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { HEARTBEAT_STALE_MS } from '../../shared/policy/limits.ts';
import { anAgent, anItem, aJob, aProof, aVm, NOW, POINTS } from '../support/memory/builders.ts';
import { aWorld, emptyWorld, stateOf } from '../support/memory/memory-world.ts';
import { must } from '../support/must.ts';
import { proved, ref } from './cases.ts';
import { failureOf } from './failure-of.ts';

const NEED_ITEM = [
  'enterPhase',
  'bindSite',
  'gatherAzureFacts',
  'ensureProcessServer',
  'retireProcessServer',
  'takeSnapshots',
  'pruneSnapshots',
  'changeVmPower',
  'readVmPower',
  'keepReplicaSeed',
  'readReplicaSeed',
  'deleteAzureVm',
  'recordMasterTarget',
  'recordTarget',
  'recordGrowth',
  'recordCycle',
  'sealReplica',
  'readFailoverChoice',
] as const satisfies readonly ActivityName[];

const NEED_JOB = [
  'recordGrowth',
  'enterPhase',
  'readIntents',
  'readFailoverChoice',
  'deleteAzureVm',
  'recordMasterTarget',
  'recordCycle',
  'recordReport',
  'finishJob',
] as const satisfies readonly ActivityName[];

describe('an activity whose record is gone', () => {
  it.each(NEED_ITEM)('%s names the protected item that is not there', async (name) => {
    const world = emptyWorld();
    world.stores.jobs.put(aJob());
    const error = await failureOf(world, name);
    expect(error.code).toBe('FB-REQ-002');
    expect(error.values).toEqual({ kind: 'protected item', id: 'web-01' });
    expect(error.isRetryable).toBe(false);
  });

  it.each(NEED_JOB)('%s names the job that is not there', async (name) => {
    const world = emptyWorld();
    world.stores.items.put(anItem({ activeJobId: 'fb-1' }));
    const error = await failureOf(world, name);
    expect(error.code).toBe('FB-REQ-002');
    expect(error.values).toEqual({ kind: 'failback', id: 'fb-1' });
  });

  it('readItem answers null, because its caller asks whether there is one', async () => {
    const { readItem } = createActivities(emptyWorld());
    expect(await readItem({ itemId: 'web-01' })).toBeNull();
  });

  it('readCommand breaks: a command that nobody sent would be waited for until its deadline', async () => {
    const { readCommand } = createActivities(emptyWorld());
    await expect(readCommand({ commandId: 'fb-1.x' })).rejects.toThrow(InvariantViolation);
  });

  it('abandonCommand is done at once: what was never sent needs no giving up', async () => {
    const world = emptyWorld();
    const before = stateOf(world);
    const input = { commandId: 'fb-1.x', error: errorRecord('FB-ORC-005') };
    expect(await createActivities(world).abandonCommand(input)).toBeNull();
    expect(stateOf(world)).toEqual(before);
  });
});

describe('bindSite', () => {
  it.each([
    ['configurationServer', 'cs-cs1', 'cs1'],
    ['masterTarget', 'mt-mt1', 'mt1'],
  ] as const)('refuses a %s that was silent for too long', async (kind, id, name) => {
    const world = aWorld();
    const agent = world.stores.agents.must(id);
    world.clock.advance(HEARTBEAT_STALE_MS + 1);
    const heartbeatAt = world.clock.now().toISOString();
    for (const other of world.stores.agents.all())
      world.stores.agents.put({ ...other, heartbeatAt });
    world.stores.agents.put(agent);
    const error = await failureOf(world, 'bindSite');
    expect(error.toRecord()).toMatchObject({ code: 'FB-ORC-010', values: { kind, name } });
  });

  it('takes an agent that was heard of just in time', async () => {
    const world = aWorld();
    world.clock.advance(HEARTBEAT_STALE_MS);
    await expect(createActivities(world).bindSite(ref)).resolves.toMatchObject({
      masterTargetId: 'mt-mt1',
    });
  });

  it('refuses a master target that never said where it listens', async () => {
    const world = aWorld();
    world.stores.agents.put(anAgent({ address: null }));
    expect((await failureOf(world, 'bindSite')).code).toBe('FB-ORC-010');
  });

  it('does not take an agent of another kind with the same name', async () => {
    const world = aWorld();
    world.stores.agents.put(anAgent({ kind: 'processServer' }));
    expect((await failureOf(world, 'bindSite')).values).toMatchObject({ kind: 'masterTarget' });
  });

  it.each([
    ['was resized', { sizeBytes: 512 }],
    ['was replaced', { diskName: 'another' }],
    ['is on another slot', { id: 'lun-7' }],
  ])('refuses when a disk in Azure %s', async (_what, change) => {
    const world = aWorld();
    const [os, data] = aVm().disks;
    const description = aVm({
      disks: [must(os, 'the system disk'), { ...must(data, 'the data disk'), ...change }],
    });
    world.vms.vms.set('rg-dr/web-01-azure', {
      ...world.vms.must('rg-dr/web-01-azure'),
      description,
    });
    const error = await failureOf(world, 'bindSite');
    expect(error.code).toBe('FB-AZ-003');
    expect(error.values).toEqual({ diskName: 'web-01-data', vmName: 'web-01-azure' });
  });

  it('goes on without the Azure VM, which is gone after the commit', async () => {
    const world = aWorld();
    world.vms.vms.clear();
    const { vm } = await createActivities(world).bindSite(ref);
    expect(vm.disks).toHaveLength(2);
    expect(vm.firmware).toBe('bios');
  });
});

describe('deleteAzureVm', () => {
  it('refuses while the job holds no proof', async () => {
    const world = aWorld();
    await proved(world);
    world.stores.jobs.put(aJob({ phase: 'committing' }));
    const error = await failureOf(world, 'deleteAzureVm');
    expect(error.code).toBe('FB-AZ-005');
    expect(world.vms.asked).toEqual([]);
  });

  it('refuses when the proof found a single difference', async () => {
    const world = aWorld();
    await proved(world);
    const proof = aProof({ mismatches: 1 });
    world.stores.jobs.put(aJob({ phase: 'committing', report: { proof } }));
    expect((await failureOf(world, 'deleteAzureVm')).code).toBe('FB-AZ-005');
    expect(world.vms.asked).toEqual([]);
  });

  it.each(['web-01/os.vhd', 'web-01/lun-0.vhd'])(
    'refuses while the replica %s is not complete',
    async (name) => {
      const world = aWorld();
      await proved(world);
      world.replicas.must(name).copied = false;
      const error = await failureOf(world, 'deleteAzureVm');
      expect(error.code).toBe('FB-AZ-005');
      expect(error.message).toContain('pending');
      expect(world.vms.asked).toEqual([]);
    },
  );

  it('refuses when the copy of the replica failed', async () => {
    const world = aWorld();
    await proved(world);
    world.replicas.failed.set('web-01/os.vhd', 'the account is full');
    expect((await failureOf(world, 'deleteAzureVm')).values).toMatchObject({
      reason: 'the replica of os is failed',
    });
    expect(world.vms.asked).toEqual([]);
  });

  it('refuses while the VM runs again', async () => {
    const world = aWorld();
    await proved(world);
    world.vms.must('rg-dr/web-01-azure').power = 'running';
    expect((await failureOf(world, 'deleteAzureVm')).code).toBe('FB-ORC-014');
    expect(world.vms.asked).toEqual([]);
  });

  it('deletes with proof and replicas', async () => {
    const world = aWorld();
    await proved(world);
    await createActivities(world).deleteAzureVm(ref);
    expect(world.vms.asked).toEqual(['delete']);
  });
});

describe('changeVmPower', () => {
  it.each([
    ['powerOff', 'running', true],
    ['powerOff', 'changing', true],
    ['powerOff', 'stopped', false],
    ['powerOff', 'deallocated', false],
    ['deallocate', 'running', true],
    ['deallocate', 'stopped', true],
    ['deallocate', 'deallocated', false],
    ['start', 'stopped', true],
    ['start', 'deallocated', true],
    ['start', 'changing', true],
    ['start', 'running', false],
  ] as const)('%s of a VM that is %s: asks Azure is %s', async (action, power, isAsked) => {
    const world = aWorld();
    world.vms.must('rg-dr/web-01-azure').power = power;
    await createActivities(world).changeVmPower({ ...ref, action });
    expect(world.vms.asked).toEqual(isAsked ? [action] : []);
  });
});

describe('readReplicaSeed', () => {
  it('is pending while one disk is', async () => {
    const world = aWorld();
    await proved(world);
    world.replicas.must('web-01/lun-0.vhd').copied = false;
    const answer = await createActivities(world).readReplicaSeed(ref);
    expect(answer).toEqual({ state: 'pending', copiedBytes: 4096, totalBytes: 8192, detail: '' });
  });

  it('is failed with the reason of Azure as soon as one disk failed', async () => {
    const world = aWorld();
    await proved(world);
    world.replicas.failed.set('web-01/lun-0.vhd', 'the account is full');
    expect(await createActivities(world).readReplicaSeed(ref)).toMatchObject({
      state: 'failed',
      detail: 'the account is full',
    });
  });
});

describe('recordReport', () => {
  it('adds to the figures that are there, and cuts evidence that is too long for a record', async () => {
    const world = aWorld();
    world.stores.jobs.put(aJob({ report: { downtimeSeconds: 42 } }));
    const report = { bootEvidence: 'x'.repeat(10_000) };
    await createActivities(world).recordReport({ jobId: 'fb-1', report });
    const kept = world.stores.jobs.must('fb-1').report;
    expect(kept.downtimeSeconds).toBe(42);
    expect(kept.bootEvidence).toHaveLength(400);
  });
});

describe('finishJob', () => {
  it('frees the item and forgets base and points once the machine is back in Azure', async () => {
    const world = aWorld();
    const known = { base: { os: 's1' }, recoveryPoints: POINTS };
    world.stores.items.put(anItem({ activeJobId: 'fb-1', ...known }));
    await createActivities(world).finishJob({ ...ref, state: 'cancelled', error: null });
    expect(world.stores.items.must('web-01')).toMatchObject({
      activeJobId: null,
      base: {},
      recoveryPoints: [],
    });
    expect(world.stores.jobs.must('fb-1')).toMatchObject({ state: 'cancelled', endedAt: NOW });
  });

  it('keeps base and points of a machine that is on its way', async () => {
    const world = aWorld();
    const known = { base: { os: 's1' }, recoveryPoints: POINTS };
    world.stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'replicating', ...known }));
    await createActivities(world).finishJob({ ...ref, state: 'failed', error: null });
    expect(world.stores.items.must('web-01')).toMatchObject({ activeJobId: null, ...known });
  });

  it('forgets base and points of a machine that is home', async () => {
    const world = aWorld();
    const known = { base: { os: 's1' }, recoveryPoints: POINTS };
    world.stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'protected', ...known }));
    await createActivities(world).finishJob({ ...ref, state: 'succeeded', error: null });
    const home = { activeJobId: null, base: {}, recoveryPoints: [] };
    expect(world.stores.items.must('web-01')).toMatchObject(home);
  });

  it('does not take the item away from a job that came later', async () => {
    const world = aWorld();
    const theirs = anItem({ activeJobId: 'fb-2', base: { os: 's1' }, recoveryPoints: POINTS });
    world.stores.items.put(theirs);
    await createActivities(world).finishJob({ ...ref, state: 'failed', error: null });
    expect(world.stores.items.must('web-01')).toEqual(theirs);
  });

  it('does not change how a job ended', async () => {
    const world = aWorld();
    const ended = aJob({ state: 'succeeded', endedAt: NOW });
    world.stores.jobs.put(ended);
    await createActivities(world).finishJob({ ...ref, state: 'failed', error: null });
    expect(world.stores.jobs.must('fb-1')).toEqual(ended);
  });
});
