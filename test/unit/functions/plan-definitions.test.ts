import { beforeEach, describe, expect, it } from '@jest/globals';
import { anItem, NOW } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import { COMMITTER_KEY, OPERATOR_KEY } from '../../support/memory/memory-access-keys.ts';
import { emptyWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';
import { aPlan, WEBHOOK } from '../../support/memory/plan-builders.ts';

let world: MemoryWorld;
const URL_WITH_KEY = 'https://hooks.example/dns?code=abc';

beforeEach(() => {
  world = emptyWorld();
  world.stores.items.put(anItem());
});

/** As a client sends it. */
const planWith = (action: object): object => ({
  name: 'Shop',
  groups: [{ id: 'first', name: 'Web', itemIds: ['web-01'], preActions: [action] }],
});

const webhook = (changes: object = {}): object => ({ ...WEBHOOK, url: URL_WITH_KEY, ...changes });

const put = async (body: object, key = COMMITTER_KEY): Promise<Called> =>
  callRoute(world, 'putRecoveryPlan', { params: { id: 'shop' }, body, key });

const storedUrl = (): unknown => {
  const action = world.stores.plans.must('shop').definition.groups[0]?.preActions[0];
  return action?.kind === 'webhook' ? action.url : null;
};

describe('a plan that was read, changed and sent back', () => {
  beforeEach(async () => {
    expect((await put(planWith(webhook()))).status).toBe(201);
  });

  it('keeps the key of its webhook, which was not shown', async () => {
    const { json } = await callRoute(world, 'getRecoveryPlan', { params: { id: 'shop' } });
    const {
      id: _id,
      updatedAt: _at,
      activeRunId: _run,
      ...shown
    } = json as Record<string, unknown>;
    expect(JSON.stringify(shown)).toContain('code=[secret]');
    expect((await put({ ...shown, name: 'Renamed' })).status).toBe(200);
    expect(world.stores.plans.must('shop').definition.name).toBe('Renamed');
    expect(storedUrl()).toBe(URL_WITH_KEY);
  });

  it.each<[string, object]>([
    ['another host', { url: 'https://other.example/dns?code=[secret]' }],
    ['another id', { id: 'other', url: 'https://hooks.example/dns?code=[secret]' }],
  ])('is refused where the mark of a secret stands under %s', async (_what, changes) => {
    const answer = await put(planWith(webhook(changes)));
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'FB-RCV-018' });
    expect(storedUrl()).toBe(URL_WITH_KEY);
  });

  it('takes a new key', async () => {
    await put(planWith(webhook({ url: 'https://hooks.example/dns?code=new' })));
    expect(storedUrl()).toBe('https://hooks.example/dns?code=new');
  });
});

describe('a plan that would outgrow the record of its run', () => {
  it('is refused before anything is run', async () => {
    const steps = Array.from({ length: 20 }, (_, index) => ({
      id: `step-${index}`,
      name: 'A step',
      kind: 'manual',
      runsIn: ['failback'],
      instructions: 'x'.repeat(2_000),
    }));
    const groups = Array.from({ length: 10 }, (_, index) => ({
      id: `group-${index}`,
      name: 'A group',
      itemIds: [`vm-${index}`],
      preActions: steps.map((step) => ({ ...step, id: `${step.id}-${index}` })),
    }));
    for (const { itemIds } of groups) {
      for (const id of itemIds) world.stores.items.put(anItem({ id }));
    }
    const answer = await put({ name: 'Large', groups });
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'FB-RCV-017' });
    expect(world.stores.plans.all()).toEqual([]);
    expect((await put({ name: 'Small', groups: groups.slice(0, 5) })).status).toBe(201);
  });
});

describe('a plan that calls what nobody can undo', () => {
  const action = { id: 'dns', name: 'Switch DNS' };
  const script = { ...action, kind: 'script', configurationServer: 'cs1', script: 'dns.sh' };
  const manual = { ...action, kind: 'manual', instructions: 'Switch it' };

  it.each<[string, object, number]>([
    ['a webhook', webhook(), 403],
    ['a script', script, 403],
    ['a manual step', manual, 201],
  ])(
    'with %s is made by a committer; of an operator it is not always taken',
    async (_what, given, status) => {
      expect((await put(planWith(given), OPERATOR_KEY)).status).toBe(status);
      expect((await put(planWith(given), COMMITTER_KEY)).status).toBeLessThan(300);
    },
  );

  it('is run by an operator, unless snapshots are to be removed for good', async () => {
    world.stores.plans.put(aPlan());
    const run = async (removeSnapshots: boolean): Promise<Called> =>
      callRoute(world, 'runRecoveryPlan', {
        params: { id: 'shop' },
        key: OPERATOR_KEY,
        body: { kind: 'failback', options: { removeSnapshots } },
      });
    expect(problemOf(await run(true)).code).toBe('FB-REQ-021');
    expect((await run(false)).status).toBe(202);
  });
});

describe('the plan taken, and the answer lost', () => {
  it('is found in the record: the run goes on', async () => {
    world.stores.plans.put(aPlan({ updatedAt: NOW }));
    const replace = world.stores.plans.replace.bind(world.stores.plans);
    world.stores.plans.replace = async (plan, etag) => {
      await replace(plan, etag);
      await replace(plan, etag);
    };
    const answer = await callRoute(world, 'runRecoveryPlan', {
      params: { id: 'shop' },
      body: { kind: 'failback' },
    });
    expect(answer.status).toBe(202);
    expect(world.stores.planRuns.all()).toMatchObject([{ state: 'running' }]);
    expect(world.orchestrator.started).toHaveLength(1);
  });
});
