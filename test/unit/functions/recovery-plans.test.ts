import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  planRunReportSchema,
  planViewSchema,
} from '../../../shared/contracts/http/recovery-plans.ts';
import { anItem, NOW } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import { emptyWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';
import { aPlan, aRun } from '../../support/memory/plan-builders.ts';

let world: MemoryWorld;

beforeEach(() => {
  world = emptyWorld();
  world.stores.items.put(anItem());
  world.stores.items.put(anItem({ id: 'db-01', name: 'Database 1' }));
});

const webhook = {
  id: 'dns',
  name: 'Switch DNS',
  kind: 'webhook',
  url: 'https://hooks.example/dns?code=abc',
  secretName: 'dns',
};
const group = { id: 'first', name: 'Databases', itemIds: ['db-01'] };
const body = (changes: object = {}): object => ({ name: 'Shop', groups: [group], ...changes });

const put = async (plan: object, id = 'shop'): Promise<Called> =>
  callRoute(world, 'putRecoveryPlan', { params: { id }, body: plan });

describe('PUT /api/recovery-plans/{id}', () => {
  it('makes a plan, with a default for what need not be given', async () => {
    const answer = await put(body());
    expect(answer.status).toBe(201);
    expect(planViewSchema.parse(answer.json)).toMatchObject({
      id: 'shop',
      onFailure: 'stop',
      maxParallel: 20,
      groups: [{ id: 'first', maxParallel: 10, preActions: [], pauseAfter: null }],
      activeRunId: null,
    });
  });

  it('replaces it, also while it runs: the run has its own copy', async () => {
    world.stores.plans.put(aPlan({ activeRunId: 'pr-1' }));
    const answer = await put(body({ name: 'Other' }));
    expect(answer.status).toBe(200);
    expect(world.stores.plans.must('shop')).toMatchObject({
      definition: { name: 'Other' },
      activeRunId: 'pr-1',
    });
  });

  it.each<[string, object, string]>([
    ['no group', { groups: [] }, 'groups'],
    ['a misspelt field', { onfailure: 'stop' }, ''],
    ['a policy that there is not', { onFailure: 'panic' }, 'onFailure'],
    ['a group without machines', { groups: [{ ...group, itemIds: [] }] }, 'groups.0.itemIds'],
    [
      'a webhook without TLS',
      { groups: [{ ...group, preActions: [{ ...webhook, url: 'http://hooks.example' }] }] },
      'groups.0.preActions.0.url',
    ],
    [
      'a webhook with a password in its URL',
      { groups: [{ ...group, preActions: [{ ...webhook, url: 'https://a:b@hooks.example' }] }] },
      'groups.0.preActions.0.url',
    ],
    [
      'a script with a path',
      {
        groups: [
          {
            ...group,
            preActions: [
              { id: 's', name: 's', kind: 'script', configurationServer: 'cs1', script: '../x.sh' },
            ],
          },
        ],
      },
      'groups.0.preActions.0.script',
    ],
  ])('is refused for %s', async (_what, changes, path) => {
    const answer = await put(body(changes));
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'FB-REQ-001' });
    expect(problemOf(answer).problems?.map((each) => each.path)).toContain(path);
    expect(world.stores.plans.all()).toEqual([]);
  });

  it('is refused for machines that are not there, all of them named', async () => {
    const answer = await put(body({ groups: [{ ...group, itemIds: ['x', 'y'] }] }));
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'FB-RCV-003' });
    expect(problemOf(answer).detail).toContain('no protected item x; there is no protected item y');
  });

  it('is refused for a webhook secret that nobody has set', async () => {
    const preActions = [{ ...webhook, secretName: 'other' }];
    const answer = await put(body({ groups: [{ ...group, preActions }] }));
    expect(problemOf(answer)).toMatchObject({ status: 409, code: 'FB-RCV-009' });
  });
});

describe('GET and DELETE /api/recovery-plans', () => {
  it('show plans without what looks like a key in a URL', async () => {
    await put(body({ groups: [{ ...group, preActions: [webhook] }] }));
    const one = await callRoute(world, 'getRecoveryPlan', { params: { id: 'shop' } });
    expect(JSON.stringify(one.json)).toContain('https://hooks.example/dns?code=[secret]');
    expect(one.headers['etag']).toMatch(/^"[0-9a-f]+-[0-9a-f]+"$/);
    const all = await callRoute(world, 'listRecoveryPlans');
    expect(all.json).toEqual({ value: [one.json] });
    expect(JSON.stringify(all.json)).not.toContain('abc');
  });

  it('say that there is no such plan', async () => {
    for (const name of ['getRecoveryPlan', 'deleteRecoveryPlan']) {
      const answer = await callRoute(world, name, { params: { id: 'none' } });
      expect(problemOf(answer)).toMatchObject({ status: 404, code: 'FB-REQ-002' });
    }
  });

  it('delete a plan, unless it is being run', async () => {
    world.stores.plans.put(aPlan({ activeRunId: 'pr-1' }));
    world.stores.planRuns.put(aRun());
    const remove = async (): Promise<Called> =>
      callRoute(world, 'deleteRecoveryPlan', { params: { id: 'shop' } });
    expect(problemOf(await remove())).toMatchObject({ status: 409, code: 'FB-RCV-004' });
    world.stores.planRuns.put(aRun({ state: 'succeeded', endedAt: NOW }));
    expect((await remove()).status).toBe(204);
    expect(world.stores.plans.all()).toEqual([]);
    expect(world.stores.planRuns.all()).toHaveLength(1);
  });
});

const run = async (request: object = { kind: 'failback' }, id = 'shop'): Promise<Called> =>
  callRoute(world, 'runRecoveryPlan', { params: { id }, body: request });

describe('POST /api/recovery-plans/{id}/run', () => {
  beforeEach(async () => {
    await put(body());
  });

  it('starts a run and says where to look', async () => {
    const answer = await run();
    expect(answer.status).toBe(202);
    const { id } = answer.json as { id: string };
    expect(answer.headers['location']).toBe(`/api/recovery-plans/shop/runs/${id}`);
    expect(world.stores.plans.must('shop').activeRunId).toBe(id);
    expect(world.orchestrator.started).toMatchObject([
      { name: 'recoveryPlan', instanceId: `plan-${id}-1`, input: { runId: id } },
    ]);
    expect(world.stores.planRuns.must(id)).toMatchObject({
      machines: { 'db-01': { itemName: 'Database 1', state: 'waiting', jobId: null } },
      options: { autoCommit: false },
    });
  });

  it('is refused while another run has the plan', async () => {
    await run();
    expect(problemOf(await run())).toMatchObject({ status: 409, code: 'FB-RCV-004' });
  });

  it('lets one of two requests at the same moment have the plan', async () => {
    world.stores.plans.beforeReplace = () => {
      world.stores.plans.beforeReplace = () => undefined;
      const plan = world.stores.plans.must('shop');
      world.stores.plans.put({ ...plan, activeRunId: 'pr-other' });
    };
    expect(problemOf(await run())).toMatchObject({ status: 412, code: 'FB-REQ-008' });
    expect(world.stores.planRuns.all()).toMatchObject([{ state: 'cancelled' }]);
    expect(world.orchestrator.started).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['no kind', {}, 'kind'],
    [
      'one point by id for all machines',
      { kind: 'failback', recoveryPoint: 'p1' },
      'recoveryPoint',
    ],
    ['a commit by itself', { kind: 'failback', options: { autoCommit: true } }, 'options'],
    [
      'consistent points that nobody would take',
      { kind: 'failback', recoveryPoint: 'latestApplicationConsistent' },
      'options.applicationConsistentMinutes',
    ],
  ])('is refused for %s', async (_what, request, path) => {
    const problem = problemOf(await run(request));
    expect(problem).toMatchObject({ status: 400, code: 'FB-REQ-001' });
    expect(problem.problems?.map((each) => each.path)).toContain(path);
  });

  it('is refused when a machine is gone since the plan was made', async () => {
    world.stores.plans.put(aPlan());
    const { definition } = world.stores.plans.must('shop');
    const groups = definition.groups.map((each) => ({ ...each, itemIds: ['gone'] }));
    world.stores.plans.put(aPlan({ definition: { ...definition, groups } }));
    expect(problemOf(await run())).toMatchObject({ code: 'FB-RCV-003' });
  });

  it('says that there is no such plan', async () => {
    expect(problemOf(await run({ kind: 'failback' }, 'none')).code).toBe('FB-REQ-002');
  });
});

describe('/api/recovery-plans/{id}/runs', () => {
  const params = { id: 'shop', runId: 'pr-1' };
  const gate = {
    key: 'commit',
    kind: 'commit',
    message: 'Commit?',
    since: NOW,
    instanceId: 'i-1',
  } as const;

  beforeEach(() => {
    world.stores.plans.put(aPlan({ activeRunId: 'pr-1' }));
    world.stores.planRuns.put(aRun({ gate, state: 'waitingForOperator' }));
    world.orchestrator.running.add('plan-pr-1-1');
  });

  it('lists the runs of the plan only, without their machines', async () => {
    world.stores.planRuns.put(aRun({ id: 'pr-2', planId: 'other' }));
    const { json } = await callRoute(world, 'listPlanRuns', { params });
    expect(json).toMatchObject({ value: [{ id: 'pr-1', counts: { waiting: 1 } }] });
    expect(JSON.stringify(json)).not.toContain('Web server 1');
  });

  it('shows a run with its report and what it waits for', async () => {
    const { json } = await callRoute(world, 'getPlanRun', { params });
    expect(planRunReportSchema.parse(json)).toMatchObject({
      waitingFor: { kind: 'commit', message: 'Commit?' },
      allowedActions: ['commit', 'cancel'],
      report: {
        machines: [{ itemId: 'web-01', groupId: 'first', downtimeSeconds: null, proof: null }],
        actions: [{ id: 'dns', when: 'before', state: 'waiting' }],
      },
    });
  });

  it('does not show a run under another plan', async () => {
    const answer = await callRoute(world, 'getPlanRun', { params: { ...params, id: 'other' } });
    expect(problemOf(answer)).toMatchObject({ status: 404, code: 'FB-REQ-002' });
  });

  it('commits, and wakes whoever waits at the gate', async () => {
    const answer = await callRoute(world, 'commitPlanRun', { params });
    expect(answer.status).toBe(202);
    expect(world.stores.planRuns.must('pr-1')).toMatchObject({
      gate: null,
      state: 'running',
      decisions: { commit: { decision: 'commit' } },
    });
    expect(world.orchestrator.woken).toEqual(['i-1 intent']);
  });

  it.each(['resumePlanRun', 'completeManualStep'])('takes no %s at the commit', async (name) => {
    const answer = await callRoute(world, name, { params: { ...params, actionId: 'dns' } });
    expect(problemOf(answer)).toMatchObject({ status: 409, code: 'FB-RCV-005' });
    expect(world.stores.planRuns.must('pr-1').gate).toEqual(gate);
  });

  it.each(['cancelPlanRun', 'commitPlanRun', 'resumePlanRun'])(
    'takes no %s once it is over',
    async (name) => {
      world.stores.planRuns.put(aRun({ state: 'failed', endedAt: NOW }));
      const answer = await callRoute(world, name, { params });
      expect(problemOf(answer)).toMatchObject({ status: 409, code: 'FB-RCV-005' });
    },
  );

  it('cancels twice as once', async () => {
    await callRoute(world, 'cancelPlanRun', { params });
    world.clock.advance(1000);
    expect((await callRoute(world, 'cancelPlanRun', { params })).status).toBe(202);
    expect(world.stores.planRuns.must('pr-1').cancelAskedAt).toBe(NOW);
  });

  it('goes on without the machines that failed when a person resumes', async () => {
    const failed = { itemId: 'web-01', itemName: 'W', jobId: 'fb-1', state: 'failed' } as const;
    const at = { ...gate, key: 'failure-0', kind: 'failure' } as const;
    world.stores.planRuns.put(aRun({ gate: at, machines: { 'web-01': failed } }));
    await callRoute(world, 'resumePlanRun', { params });
    const { machines, decisions } = world.stores.planRuns.must('pr-1');
    expect(machines['web-01']).toMatchObject({ isLeftBehind: true });
    const decision = { decision: 'resume', note: '', at: NOW, caller: 'key committer-1' };
    expect(decisions).toEqual({ 'failure-0': decision });
  });

  it.each(['resumePlanRun', 'cancelPlanRun'])(
    'ends a run that never got its plan, and started nothing, on %s',
    async (name) => {
      world.orchestrator.running.clear();
      world.stores.plans.put(aPlan({ activeRunId: 'pr-other' }));
      await callRoute(world, name, { params });
      expect(world.stores.planRuns.must('pr-1')).toMatchObject({ state: 'cancelled' });
      expect(world.orchestrator.started).toEqual([]);
    },
  );
});
