import { beforeEach, describe, expect, it } from '@jest/globals';
import { createActivities } from '../../../activities/create-activities.ts';
import { ask } from '../../../functions/jobs/ask.ts';
import { startRehearsals } from '../../../functions/timers/rehearsals.ts';
import { protectedItemIdSchema } from '../../../shared/contracts/http-api.ts';
import { identifierSchema } from '../../../shared/contracts/json.ts';
import { rehearsalReplicationId } from '../../../shared/contracts/orchestrations.ts';
import { anItem, aJob, NOW } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;
const body = { protectedItemId: 'web-01' };

beforeEach(() => {
  world = aWorld();
});

describe('a failback that was recorded but not started', () => {
  it('is not started by a request for a rehearsal', async () => {
    world.stores.jobs.put(aJob({ state: 'queued' }));
    const answer = await callRoute(world, 'createRehearsal', { body });
    expect(problemOf(answer).code).toBe('FB-REQ-003');
    expect(answer.status).toBe(409);
    expect(world.orchestrator.started).toEqual([]);
  });

  it('is not started by the rehearsal timer', async () => {
    world.stores.items.put(anItem({ activeJobId: 'fb-1', isRehearsalEnabled: true }));
    world.stores.jobs.put(aJob({ state: 'queued' }));
    await startRehearsals(world, { log: () => undefined, warn: () => undefined });
    expect(world.orchestrator.started).toEqual([]);
  });
});

describe('two requests for one machine at the same moment', () => {
  it('end with one job, and the other refused', async () => {
    world.stores.items.put(anItem());
    world.stores.jobs.put(aJob({ state: 'failed', endedAt: NOW }));
    const create = world.stores.jobs.create.bind(world.stores.jobs);
    let second: number | undefined;
    let isFirst = true;
    world.stores.jobs.create = async (job) => {
      await create(job);
      if (!isFirst) return;
      isFirst = false;
      second = (await callRoute(world, 'createFailback', { body })).status;
    };
    const first = await callRoute(world, 'createFailback', { body });
    const jobs = world.stores.jobs.all();
    const queued = jobs.filter(({ state }) => state === 'queued').map(({ id }) => id);
    expect(new Set([first.status, second])).toEqual(new Set([202, 409]));
    expect(queued).toHaveLength(1);
    expect(world.stores.items.must('web-01').activeJobId).toBe(queued[0]);
    const started = world.orchestrator.started.map(({ input }) => input as { jobId: string });
    expect(started.map(({ jobId }) => jobId)).toEqual(queued);
    expect(jobs.find(({ error }) => error?.code === 'FB-REQ-003')?.endedAt).not.toBeNull();
  });
});

describe('asking for what was asked for already', () => {
  it('is accepted also after the machine moved on', async () => {
    await ask(world, 'fb-1', { intent: 'failover', caller: 'op' });
    world.stores.jobs.put({ ...world.stores.jobs.must('fb-1'), phase: 'shuttingDownSource' });
    await expect(ask(world, 'fb-1', { intent: 'failover', caller: 'op' })).resolves.toMatchObject({
      id: 'fb-1',
    });
  });
});

describe('an unknown action', () => {
  it('is named as the fault of the action, not of the body', async () => {
    const answer = await callRoute(world, 'actOnFailback', {
      params: { id: 'fb-1', action: 'delete' },
    });
    expect(answer.status).toBe(400);
    expect(problemOf(answer).problems?.[0]?.path).toBe('action');
  });
});

describe('the longest id of a protected item', () => {
  it('leaves room for the names that are made from it', () => {
    const id = 'x'.repeat(60);
    expect(protectedItemIdSchema.safeParse(id).success).toBe(true);
    expect(protectedItemIdSchema.safeParse(`${id}x`).success).toBe(false);
    expect(identifierSchema.safeParse(rehearsalReplicationId(id)).success).toBe(true);
  });
});

describe('a job that lost its machine to another one', () => {
  it('does not move the machine any more', async () => {
    world.stores.jobs.put(aJob({ state: 'failed', endedAt: NOW }));
    world.stores.items.put(anItem({ activeJobId: 'fb-2' }));
    const late = createActivities(world).enterPhase({
      jobId: 'fb-1',
      itemId: 'web-01',
      phase: 'preparing',
      message: 'too late',
      isRehearsal: false,
    });
    await expect(late).rejects.toMatchObject({ code: 'FB-ORC-012' });
    expect(world.stores.items.must('web-01').phase).toBe('failedOver');
  });
});

describe('the process server of a resource group', () => {
  it('stays while a machine uses it whose group is written in another case', async () => {
    const activities = createActivities(world);
    await activities.ensureProcessServer({ jobId: 'fb-1', itemId: 'web-01' });
    world.stores.items.put(anItem({ id: 'web-02', resourceGroup: 'RG-DR', activeJobId: 'fb-2' }));
    const retired = await activities.retireProcessServer({ jobId: 'fb-1', itemId: 'web-01' });
    expect(retired).toEqual({ isDeleted: false });
  });
});

describe('deleting the Azure VM', () => {
  it('is refused on the proof of nothing', async () => {
    const proof = {
      pointId: 'p',
      blocksCompared: 0,
      bytesCompared: 0,
      comparedShare: 1,
      mismatches: 0,
      repairedBlocks: 0,
    };
    world.stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'committing' }));
    world.stores.jobs.put(aJob({ report: { proof } }));
    const deletion = createActivities(world).deleteAzureVm({ jobId: 'fb-1', itemId: 'web-01' });
    await expect(deletion).rejects.toMatchObject({
      code: 'FB-AZ-005',
      values: { reason: 'no proof of equality in the job' },
    });
  });
});
