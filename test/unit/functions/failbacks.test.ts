import { beforeEach, describe, expect, it } from '@jest/globals';
import { jobViewSchema } from '../../../shared/contracts/http-api.ts';
import { BEYOND_RETURN, type Phase, PHASES } from '../../../shared/domain/phases.ts';
import { anItem, aJob, aProof, NOW } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;
const body = { protectedItemId: 'web-01' };
const proof = aProof();

/** The machine runs in Azure and nobody works on it. */
function atRest(phase: Phase = 'failedOver'): void {
  world.stores.items.put(anItem({ phase, lastJobId: 'fb-1' }));
  world.stores.jobs.put(aJob({ state: 'failed', endedAt: NOW, phase, report: { proof } }));
}

beforeEach(() => {
  world = aWorld();
});

describe('POST /api/failbacks', () => {
  it('takes the machine, writes the job and starts its orchestration', async () => {
    atRest();
    const options = { autoFailover: true, cycleIntervalSeconds: 60 };
    const answer = await callRoute(world, 'createFailback', { body: { ...body, options } });
    expect(answer.status).toBe(202);
    const view = jobViewSchema.parse(answer.json);
    expect(view).toMatchObject({ state: 'queued', operation: 'failback', phase: 'failedOver' });
    expect(answer.headers).toMatchObject({ location: `/api/failbacks/${view.id}` });
    expect(world.stores.items.must('web-01').activeJobId).toBe(view.id);
    expect(world.stores.jobs.must(view.id).options).toMatchObject({
      autoFailover: true,
      autoCommit: false,
      cycleIntervalSeconds: 60,
    });
    expect(world.orchestrator.started).toEqual([
      {
        name: 'failback',
        instanceId: `${view.id}-failback`,
        input: {
          jobId: view.id,
          itemId: 'web-01',
          options: world.stores.jobs.must(view.id).options,
          startAt: 'failedOver',
        },
      },
    ]);
  });

  it('hands the way of the copy and of the proof on, as it was asked for', async () => {
    atRest();
    const options = {
      replicationMode: 'checksum',
      proofShare: 0.25,
      applicationConsistentMinutes: 60,
    };
    const answer = await callRoute(world, 'createFailback', { body: { ...body, options } });
    const { id } = jobViewSchema.parse(answer.json);
    expect(world.stores.jobs.must(id).options).toMatchObject(options);
    expect(world.orchestrator.started).toMatchObject([{ input: { options } }]);
  });

  it('refuses options that nobody should run with, and starts nothing', async () => {
    atRest();
    const options = { proofShare: 0, applicationConsistentMinutes: -1, replicationMode: 'some' };
    const answer = await callRoute(world, 'createFailback', { body: { ...body, options } });
    expect(
      problemOf(answer)
        .problems?.map(({ path }) => path)
        .toSorted(),
    ).toEqual([
      'options.applicationConsistentMinutes',
      'options.proofShare',
      'options.replicationMode',
    ]);
    expect(world.orchestrator.started).toEqual([]);
  });

  it('refuses a second one while the first runs, and says which', async () => {
    world.orchestrator.running.add('fb-1-failback');
    const before = stateOf(world);
    const answer = await callRoute(world, 'createFailback', { body });
    expect(answer.status).toBe(409);
    expect(problemOf(answer)).toMatchObject({
      code: 'FB-REQ-003',
      detail: 'Web server 1 is already being worked on by fb-1.',
    });
    expect(stateOf(world)).toEqual(before);
  });

  it('completes a start that broke off before the orchestration was started', async () => {
    world.stores.jobs.put(aJob({ state: 'queued' }));
    const answer = await callRoute(world, 'createFailback', { body });
    expect(answer.status).toBe(202);
    expect(jobViewSchema.parse(answer.json).id).toBe('fb-1');
    expect(world.stores.jobs.all()).toHaveLength(1);
    expect(world.orchestrator.started).toHaveLength(1);
  });

  it('completes a start that broke off before the job was written', async () => {
    world.stores.items.put(anItem({ activeJobId: 'fb-lost' }));
    const answer = await callRoute(world, 'createFailback', { body });
    expect(answer.status).toBe(202);
    const { id } = jobViewSchema.parse(answer.json);
    expect(world.stores.items.must('web-01').activeJobId).toBe(id);
    expect(world.orchestrator.started).toMatchObject([{ input: { jobId: id } }]);
  });

  it('ends a job whose orchestration was stopped from outside, then starts a new one', async () => {
    const answer = await callRoute(world, 'createFailback', { body });
    expect(answer.status).toBe(202);
    expect(jobViewSchema.parse(answer.json).id).not.toBe('fb-1');
    expect(world.stores.jobs.must('fb-1')).toMatchObject({
      state: 'failed',
      endedAt: NOW,
      error: { code: 'FB-ORC-012' },
    });
  });

  it('lets only one of two requests win that come at the same time', async () => {
    atRest();
    let isFirst = true;
    world.stores.items.beforeReplace = async () => {
      if (!isFirst) return;
      isFirst = false;
      const winner = await callRoute(world, 'createFailback', { body });
      expect(winner.status).toBe(202);
    };
    const loser = await callRoute(world, 'createFailback', { body });
    expect(loser.status).toBe(409);
    const { activeJobId } = world.stores.items.must('web-01');
    expect(problemOf(loser)).toMatchObject({
      code: 'FB-REQ-003',
      detail: `Web server 1 is already being worked on by ${activeJobId}.`,
    });
    expect(world.orchestrator.started).toHaveLength(1);
    const queued = world.stores.jobs.all().filter(({ state }) => state === 'queued');
    expect(queued.map(({ id }) => id)).toEqual([world.stores.items.must('web-01').activeJobId]);
  });

  it('says that there is no such machine', async () => {
    const answer = await callRoute(world, 'createFailback', {
      body: { protectedItemId: 'web-99' },
    });
    expect(answer.status).toBe(404);
    expect(problemOf(answer).detail).toBe('There is no protected item with the id web-99.');
  });

  it.each(PHASES.map((phase) => ({ phase, isStarted: phase !== 'protected' })))(
    'for a machine in $phase: started is $isStarted',
    async ({ phase, isStarted }) => {
      atRest(phase);
      const answer = await callRoute(world, 'createFailback', { body });
      expect(answer.status).toBe(isStarted ? 202 : 409);
      expect(world.orchestrator.started).toHaveLength(isStarted ? 1 : 0);
      if (isStarted)
        expect(world.orchestrator.started[0]).toMatchObject({ input: { startAt: phase } });
      else expect(problemOf(answer).code).toBe('FB-REQ-005');
    },
  );

  it.each(
    PHASES.filter((phase) => phase !== 'protected').map((phase) => ({
      phase,
      isKept: phase === 'commitPending' || BEYOND_RETURN.includes(phase),
    })),
  )(
    'for a machine in $phase: keeps the proof of the earlier job is $isKept',
    async ({ phase, isKept }) => {
      atRest(phase);
      const { id } = jobViewSchema.parse((await callRoute(world, 'createFailback', { body })).json);
      expect(world.stores.jobs.must(id).report).toEqual(isKept ? { proof } : {});
    },
  );
});

describe('a failback that takes up what an earlier one left', () => {
  it('inherits the figures of the failback that had the machine last, not of a later loser', async () => {
    world.stores.items.put(anItem({ phase: 'committing', lastJobId: 'fb-0' }));
    const ended = { state: 'failed', endedAt: NOW, error: null } as const;
    const reportOf = (pointId: string) => ({ proof: { ...proof, pointId } });
    world.stores.jobs.put(aJob({ ...ended, id: 'fb-1', report: reportOf('old') }));
    world.stores.jobs.put(aJob({ ...ended, id: 'fb-0', report: reportOf('new') }));
    // Newer ids sort first: it lost the race for the machine, and brought nothing.
    world.stores.jobs.put(aJob({ ...ended, id: 'fa-0', report: {} }));
    const { id } = jobViewSchema.parse((await callRoute(world, 'createFailback', { body })).json);
    expect(world.stores.jobs.must(id).report.proof?.pointId).toBe('new');
  });

  it('takes no figures from a rehearsal', async () => {
    world.stores.items.put(anItem({ phase: 'commitPending', lastJobId: 'rh-1' }));
    const rehearsal = { id: 'rh-1', operation: 'rehearsal', state: 'succeeded' } as const;
    world.stores.jobs.put(aJob({ ...rehearsal, endedAt: NOW, report: { proof } }));
    const { id } = jobViewSchema.parse((await callRoute(world, 'createFailback', { body })).json);
    expect(world.stores.jobs.must(id).report).toEqual({});
  });
});

describe('POST /api/rehearsals', () => {
  it('starts a rehearsal under an instance of its own', async () => {
    atRest();
    const answer = await callRoute(world, 'createRehearsal', { body });
    expect(answer.status).toBe(202);
    const view = jobViewSchema.parse(answer.json);
    expect(view).toMatchObject({ operation: 'rehearsal', allowedActions: ['cancel'] });
    expect(world.orchestrator.started).toMatchObject([
      { name: 'rehearsal', instanceId: `${view.id}-rehearsal` },
    ]);
  });

  it.each(PHASES.filter((phase) => phase !== 'failedOver'))(
    'is refused for a machine in %s: there is no running source to copy from',
    async (phase) => {
      atRest(phase);
      const answer = await callRoute(world, 'createRehearsal', { body });
      expect(answer.status).toBe(409);
      expect(problemOf(answer).code).toBe('FB-REQ-005');
      expect(world.orchestrator.started).toEqual([]);
    },
  );

  it('is refused while a failback runs', async () => {
    world.orchestrator.running.add('fb-1-failback');
    const answer = await callRoute(world, 'createRehearsal', { body });
    expect(problemOf(answer)).toMatchObject({ status: 409, code: 'FB-REQ-003' });
  });
});

describe('GET /api/failbacks', () => {
  beforeEach(() => {
    world.stores.jobs.put(aJob({ id: 'fb-2', itemId: 'web-02' }));
  });

  it('lists all, each as it is shown alone', async () => {
    const { json, status } = await callRoute(world, 'listFailbacks');
    expect(status).toBe(200);
    const { value } = json as { value: unknown[] };
    expect(value.map((view) => jobViewSchema.parse(view).id)).toEqual(['fb-1', 'fb-2']);
    const alone = await callRoute(world, 'getFailback', { params: { id: 'fb-2' } });
    expect(value[1]).toEqual(alone.json);
  });

  it('narrows to one machine', async () => {
    const query = { protectedItemId: 'web-02' };
    const { json } = await callRoute(world, 'listFailbacks', { query });
    expect(json).toMatchObject({ value: [{ id: 'fb-2' }] });
    const none = await callRoute(world, 'listFailbacks', { query: { protectedItemId: 'x' } });
    expect(none.json).toEqual({ value: [] });
  });

  it('says that there is no such job', async () => {
    const answer = await callRoute(world, 'getFailback', { params: { id: 'fb-9' } });
    expect(answer.status).toBe(404);
    expect(problemOf(answer).detail).toBe('There is no failback with the id fb-9.');
  });
});
