import { beforeEach, describe, expect, it } from '@jest/globals';
import { createActivities } from '../../../activities/create-activities.ts';
import { ask } from '../../../functions/jobs/ask.ts';
import { startJob } from '../../../functions/jobs/start-job.ts';
import { startRehearsals } from '../../../functions/timers/rehearsals.ts';
import { jobViewSchema, protectedItemIdSchema } from '../../../shared/contracts/http-api.ts';
import { identifierSchema } from '../../../shared/contracts/json.ts';
import { rehearsalReplicationId } from '../../../shared/contracts/orchestrations.ts';
import type { Job } from '../../../shared/domain/job.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
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

describe('a job that ended a moment ago', () => {
  const last = aJob({ state: 'failed', endedAt: NOW });

  it('does not swallow the start of the next one while its orchestration is in its last turn', async () => {
    world.stores.items.put(anItem());
    world.stores.jobs.put(last);
    world.orchestrator.running.add(last.instanceId);
    const answer = await callRoute(world, 'createFailback', { body });
    const { id } = jobViewSchema.parse(answer.json);
    expect(world.orchestrator.started).toMatchObject([{ input: { jobId: id } }]);
  });

  it('leaves no base to the next one, where the item has not heard of its end yet', async () => {
    const recoveryPoints = [
      { pointId: 'p1', takenAt: NOW, consistency: 'crashConsistent' } as const,
    ];
    world.stores.items.put(anItem({ activeJobId: 'fb-1', base: { os: 'stale' }, recoveryPoints }));
    world.stores.jobs.put(last);
    expect((await callRoute(world, 'createFailback', { body })).status).toBe(202);
    expect(world.stores.items.must('web-01')).toMatchObject({ base: {}, recoveryPoints: [] });
  });
});

describe('a job whose id the caller chose, started again', () => {
  const request = { protectedItemId: 'web-01', options: aJob().options, caller: 'plan' };
  const start = async (jobId: string): Promise<Job> =>
    startJob(world, 'failback', { ...request, jobId });

  it('is not begun anew once it has ended', async () => {
    world.stores.items.put(anItem());
    world.stores.jobs.put(aJob({ id: 'fb-7', state: 'succeeded', endedAt: NOW }));
    await expect(start('fb-7')).resolves.toMatchObject({ id: 'fb-7', state: 'succeeded' });
    expect(world.orchestrator.started).toEqual([]);
    expect(world.stores.items.must('web-01').activeJobId).toBeNull();
  });

  it('is refused while another job waits for its start, which nobody would tell the caller', async () => {
    world.stores.jobs.put(aJob({ state: 'queued' }));
    await expect(start('fb-7')).rejects.toMatchObject({
      code: 'FB-REQ-003',
      values: { jobId: 'fb-1' },
    });
  });

  it('stays as it is where the storage fails, and is started when it is back', async () => {
    world.stores.items.put(anItem());
    const outage = new FailbackError('FB-AZ-002', { operation: 'write', code: '503', detail: '' });
    world.stores.items.beforeReplace = () => {
      throw outage;
    };
    await expect(start('fb-7')).rejects.toBe(outage);
    expect(world.stores.jobs.must('fb-7').state).toBe('queued');
    world.stores.items.beforeReplace = () => undefined;
    await start('fb-7');
    expect(world.orchestrator.started).toMatchObject([{ input: { jobId: 'fb-7' } }]);
  });
});

describe('the item taken, and the answer lost', () => {
  it('is found in the record: the winner goes on', async () => {
    world.stores.items.put(anItem());
    world.stores.jobs.put(aJob({ state: 'failed', endedAt: NOW }));
    const replace = world.stores.items.replace.bind(world.stores.items);
    // As the SDK does after a broken connection: the second try meets the ETag of the first.
    world.stores.items.replace = async (item, etag) => {
      await replace(item, etag);
      await replace(item, etag);
    };
    const answer = await callRoute(world, 'createFailback', { body });
    expect(answer.status).toBe(202);
    const { id } = jobViewSchema.parse(answer.json);
    expect(world.stores.jobs.must(id).state).toBe('queued');
    expect(world.orchestrator.started).toMatchObject([{ input: { jobId: id } }]);
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
