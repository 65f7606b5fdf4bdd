import { beforeEach, describe, expect, it } from '@jest/globals';
import { anAgent, anItem, aJob, POINTS } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import { READER_KEY } from '../../support/memory/memory-access-keys.ts';
import { emptyWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';
import { aDefinition, aPlan, aRun } from '../../support/memory/plan-builders.ts';

let world: MemoryWorld;

interface List {
  readonly value: readonly { readonly id: string; readonly pointId?: string }[];
  readonly nextLink?: string;
}

beforeEach(() => {
  world = emptyWorld();
});

const list = async (name: string, query: Record<string, string> = {}): Promise<Called> =>
  callRoute(world, name, { query, params: { id: 'web-01' } });

async function idsOf(name: string, query: Record<string, string> = {}): Promise<readonly string[]> {
  const { value } = (await list(name, query)).json as List;
  return value.map(({ id, pointId }) => pointId ?? id);
}

/** Follows the links from page to page. */
async function pagesOf(name: string, limit: number): Promise<readonly (readonly string[])[]> {
  const pages: (readonly string[])[] = [];
  let query: Record<string, string> | null = { limit: String(limit) };
  while (query !== null) {
    const { value, nextLink } = (await list(name, query)).json as List;
    pages.push(value.map(({ id, pointId }) => pointId ?? id));
    query = nextLink === undefined ? null : Object.fromEntries(new URL(nextLink).searchParams);
  }
  return pages;
}

describe('every list', () => {
  beforeEach(() => {
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      world.stores.items.put(anItem({ id, recoveryPoints: [] }));
      world.stores.jobs.put(aJob({ id }));
      world.stores.agents.put(anAgent({ id }));
    }
    world.stores.items.put(anItem({ id: 'web-01', recoveryPoints: POINTS }));
    world.stores.jobs.put(aJob({ id: 'web-01' }));
    world.stores.agents.put(anAgent({ id: 'web-01' }));
  });

  it.each(['listProtectedItems', 'listFailbacks', 'listAgents'])(
    '%s comes in pages that hold each record once',
    async (name) => {
      expect(await pagesOf(name, 4)).toEqual([
        ['a', 'b', 'c', 'd'],
        ['e', 'web-01'],
      ]);
      expect(await pagesOf(name, 3)).toEqual([
        ['a', 'b', 'c'],
        ['d', 'e', 'web-01'],
      ]);
      expect(await pagesOf(name, 500)).toHaveLength(1);
    },
  );

  it('of recovery points has pages, newest first', async () => {
    const all = POINTS.map(({ pointId }) => pointId).toReversed();
    expect((await pagesOf('listRecoveryPoints', 1)).flat()).toEqual(all);
    expect(await pagesOf('listRecoveryPoints', POINTS.length)).toEqual([all]);
  });

  it('keeps its filters in the link to the next page, and the key out of it', async () => {
    const query = { limit: '2', phase: 'failedOver', code: READER_KEY };
    const options = { query, key: null };
    const { json } = await callRoute(world, 'listProtectedItems', options);
    const link = new URL((json as List).nextLink ?? '');
    expect(link.pathname).toBe('/api/protected-items');
    expect(Object.fromEntries(link.searchParams)).toMatchObject({
      limit: '2',
      phase: 'failedOver',
    });
    expect(link.href).not.toContain(READER_KEY);
  });

  it.each([
    ['limit', '0'],
    ['limit', '501'],
    ['limit', 'many'],
    ['continuationToken', 'no!token'],
    ['continuationToken', Buffer.from("x' or 'a' eq 'a").toString('base64url')],
    ['page', '2'],
  ])('refuses %s=%s', async (name, value) => {
    for (const route of ['listProtectedItems', 'listFailbacks', 'listAgents']) {
      expect(problemOf(await list(route, { [name]: value }))).toMatchObject({
        status: 400,
        code: 'FB-REQ-001',
      });
    }
  });
});

describe('the list of jobs', () => {
  beforeEach(() => {
    const at = (day: number): string => `2026-03-0${day}T00:00:00.000Z`;
    world.stores.jobs.put(aJob({ id: 'j1', itemId: 'web-01', createdAt: at(1) }));
    world.stores.jobs.put(aJob({ id: 'j2', itemId: 'web-02', createdAt: at(2) }));
    world.stores.jobs.put(aJob({ id: 'j3', operation: 'rehearsal', createdAt: at(3) }));
    world.stores.jobs.put(aJob({ id: 'j4', state: 'failed', createdAt: at(4) }));
  });

  it.each([
    [{ protectedItemId: 'web-02' }, ['j2']],
    [{ operation: 'rehearsal' }, ['j3']],
    [{ state: 'failed' }, ['j4']],
    [{ from: '2026-03-03T00:00:00Z' }, ['j3', 'j4']],
    [{ to: '2026-03-03T00:00:00Z' }, ['j1', 'j2']],
    [{ from: '2026-03-02T00:00:00Z', to: '2026-03-04T01:00:00+01:00' }, ['j2', 'j3']],
    [{ state: 'failed', operation: 'rehearsal' }, []],
  ])('is narrowed by %j', async (query, ids) => {
    expect(await idsOf('listFailbacks', query as unknown as Record<string, string>)).toEqual(ids);
  });

  it.each([{ state: 'broken' }, { from: 'yesterday' }, { protecteditemid: 'web-01' }])(
    'refuses %j instead of showing everything',
    async (query) => {
      const asked = query as unknown as Record<string, string>;
      expect(problemOf(await list('listFailbacks', asked)).code).toBe('FB-REQ-001');
    },
  );
});

describe('the list of machines', () => {
  beforeEach(() => {
    world.stores.items.put(anItem({ id: 'a', name: 'Web 1', origin: 'VMware' }));
    world.stores.items.put(anItem({ id: 'b', name: 'web 2', origin: 'HyperV' }));
    world.stores.items.put(anItem({ id: 'c', name: 'sql', phase: 'protected' }));
  });

  it.each([
    [{ phase: 'protected' }, ['c']],
    [{ origin: 'HyperV' }, ['b']],
    [{ name: 'WEB' }, ['a', 'b']],
    [{ name: 'eb' }, []],
    [{ name: 'web', origin: 'VMware' }, ['a']],
  ])('is narrowed by %j', async (query, ids) => {
    const asked = query as unknown as Record<string, string>;
    expect(await idsOf('listProtectedItems', asked)).toEqual(ids);
  });
});

describe('the version of the API', () => {
  const get = async (query: Record<string, string>, headers = {}): Promise<Called> =>
    callRoute(world, 'listFailbacks', { query, headers });

  it('may be asked for by query or header; every answer tells it', async () => {
    for (const called of [
      await get({}),
      await get({ 'api-version': '2026-11-01' }),
      await get({}, { 'x-api-version': '2026-11-01' }),
    ]) {
      expect(called).toMatchObject({ status: 200, headers: { 'x-api-version': '2026-11-01' } });
    }
  });

  it('that does not exist is refused with those that do, by an answer of the newest', async () => {
    for (const refused of [
      await get({ 'api-version': '2020-01-01' }),
      await get({}, { 'x-api-version': 'latest' }),
    ]) {
      expect(problemOf(refused)).toMatchObject({ status: 400, code: 'FB-REQ-020' });
      expect(problemOf(refused).detail).toContain('2026-11-01');
      expect(refused.headers['x-api-version']).toBe('2026-11-01');
    }
  });
});

describe('the list of jobs', () => {
  it('has failbacks and rehearsals newest first together, and goes on behind either', async () => {
    // The later a job was made, the smaller is the number in its id.
    for (const id of ['fb-8', 'rh-7', 'fb-6', 'rh-5']) world.stores.jobs.put(aJob({ id }));
    expect(await idsOf('listFailbacks')).toEqual(['rh-5', 'fb-6', 'rh-7', 'fb-8']);
    expect(await pagesOf('listFailbacks', 1)).toEqual([['rh-5'], ['fb-6'], ['rh-7'], ['fb-8']]);
  });
});

describe('the list of recovery points', () => {
  it('goes on behind a point that was given up meanwhile', async () => {
    world.stores.items.put(anItem({ recoveryPoints: POINTS }));
    const { value, nextLink = '' } = (await list('listRecoveryPoints', { limit: '1' }))
      .json as List;
    const [seen] = value.map(({ pointId }) => pointId);
    const left = POINTS.filter(({ pointId }) => pointId !== seen);
    world.stores.items.put(anItem({ recoveryPoints: left }));
    const query = Object.fromEntries(new URL(nextLink).searchParams);
    const rest = await idsOf('listRecoveryPoints', { ...query, limit: '9' });
    expect(rest).toEqual(left.map(({ pointId }) => pointId).toReversed());
  });
});

describe('a list that is narrowed', () => {
  it('has the agents of one kind', async () => {
    world.stores.agents.put(anAgent({ id: 'a' }));
    world.stores.agents.put(anAgent({ id: 'b', kind: 'processServer' }));
    expect(await idsOf('listAgents', { kind: 'processServer' })).toEqual(['b']);
  });

  it('has the plans of one machine, and the runs in one state', async () => {
    world.stores.plans.put(aPlan());
    world.stores.plans.put(aPlan({ id: 'other', definition: aDefinition({ groups: [] }) }));
    expect(await idsOf('listRecoveryPlans', { protectedItemId: 'web-01' })).toEqual(['shop']);
    world.stores.planRuns.put(aRun({ id: 'pr-1', planId: 'web-01' }));
    world.stores.planRuns.put(aRun({ id: 'pr-2', planId: 'web-01', state: 'failed' }));
    expect(await idsOf('listPlanRuns', { state: 'failed' })).toEqual(['pr-2']);
  });
});
