import { beforeEach, describe, expect, it } from '@jest/globals';
import { noteSilentAgents } from '../../../functions/timers/silent-agents.ts';
import { startRehearsals } from '../../../functions/timers/rehearsals.ts';
import { HEARTBEAT_STALE_MS } from '../../../shared/policy/limits.ts';
import type { EventRecord } from '../../../shared/ports/stores.ts';
import { AGENT_KEY, anAgent, anItem, aJob, NOW } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { aWorld, type MemoryWorld, REGISTRATION_TOKEN } from '../../support/memory/memory-world.ts';
import { must } from '../../support/must.ts';

let world: MemoryWorld;
const COMMITTER = 'key committer-1';

beforeEach(() => {
  world = aWorld();
});

async function events(query: Record<string, string> = {}): Promise<readonly EventRecord[]> {
  const { json } = await callRoute(world, 'listEvents', { query });
  return (json as { value: EventRecord[] }).value;
}

describe('what people do', () => {
  it('is noted with who did it: a start, a wish, a description', async () => {
    world.stores.items.put(anItem());
    const body = { protectedItemId: 'web-01' };
    const { json } = await callRoute(world, 'createFailback', { body });
    const { id: jobId } = json as { id: string };
    world.clock.advance(1_000);
    const params = { id: jobId, action: 'cancel' };
    await callRoute(world, 'actOnFailback', { params });
    const seen = await events();
    expect(seen).toMatchObject([
      { kind: 'jobAsked', caller: COMMITTER, jobId, itemId: 'web-01' },
      { kind: 'jobStarted', caller: COMMITTER, jobId, itemId: 'web-01' },
    ]);
    expect(seen[0]?.message).toBe('cancel of Web server 1');
  });

  it('is noted when it is refused, with the code and what it was about', async () => {
    const params = { id: 'fb-1', action: 'commit' };
    await callRoute(world, 'actOnFailback', { params });
    expect(await events()).toMatchObject([
      {
        kind: 'refused',
        caller: COMMITTER,
        code: 'FB-REQ-004',
        jobId: 'fb-1',
        message: expect.stringContaining('POST /api/failbacks/fb-1/commit: commit is not possible'),
      },
    ]);
  });

  it('finds the item of a refusal that names it in the body only', async () => {
    world.stores.items.put(anItem({ phase: 'protected' }));
    await callRoute(world, 'createFailback', { body: { protectedItemId: 'web-01' } });
    expect(await events({ itemId: 'web-01' })).toMatchObject([{ code: 'FB-REQ-005' }]);
  });

  it('answers the refusal although the log cannot be written', async () => {
    world.stores.events.create = async () => {
      throw new Error('the table is gone');
    };
    const params = { id: 'fb-1', action: 'commit' };
    const answer = await callRoute(world, 'actOnFailback', { params });
    expect(problemOf(answer).code).toBe('FB-REQ-004');
  });

  it('is not noted for what only reads, nor for agents that nobody knows', async () => {
    await callRoute(world, 'getFailback', { params: { id: 'nobody' } });
    await callRoute(world, 'agentHeartbeat', { params: { agentId: 'mt-mt1' }, body: {} });
    expect(await events()).toEqual([]);
  });

  it('is noted of a rehearsal that nobody started', async () => {
    world.stores.items.put(anItem({ isRehearsalEnabled: true }));
    await startRehearsals(world, { log: () => undefined, warn: () => undefined });
    expect(await events()).toMatchObject([{ kind: 'jobStarted', caller: 'system' }]);
  });
});

describe('agents', () => {
  const heartbeat = async () =>
    callRoute(world, 'agentHeartbeat', {
      params: { agentId: 'mt-mt1' },
      headers: { authorization: `Bearer ${AGENT_KEY}` },
      body: { version: '1.0.0', runningCommandIds: [] },
    });

  it('are noted when they register', async () => {
    await callRoute(world, 'registerAgent', {
      headers: { 'x-registration-token': REGISTRATION_TOKEN },
      body: { kind: 'masterTarget', name: 'mt2', version: '1.2.3' },
    });
    expect(await events()).toMatchObject([{ kind: 'agentRegistered', caller: 'mt-mt2' }]);
  });

  it('are noted once when they fall silent, and once when they are back', async () => {
    await noteSilentAgents(world);
    expect(await events()).toEqual([]);
    world.clock.advance(HEARTBEAT_STALE_MS + 1);
    await noteSilentAgents(world);
    await noteSilentAgents(world);
    const silent = (await events()).filter(({ kind }) => kind === 'agentSilent');
    expect(silent.map(({ message }) => message)).toEqual([
      expect.stringContaining('cs1 (cs-cs1) has not been heard of since'),
      expect.stringContaining('mt1 (mt-mt1) has not been heard of since'),
    ]);
    await heartbeat();
    await heartbeat();
    const back = (await events()).filter(({ kind }) => kind === 'agentBack');
    expect(back).toMatchObject([{ caller: 'mt-mt1' }]);
    expect(world.stores.agents.must('mt-mt1')).not.toHaveProperty('isReportedSilent');
  });

  it('are noted once also when the timer broke off in between', async () => {
    world.clock.advance(HEARTBEAT_STALE_MS + 1);
    world.stores.agents.beforeReplace = () => {
      world.stores.agents.beforeReplace = () => undefined;
      throw new Error('the host dies');
    };
    await expect(noteSilentAgents(world)).rejects.toThrow('the host dies');
    world.clock.advance(60_000);
    await noteSilentAgents(world);
    expect((await events()).filter(({ caller }) => caller === 'system')).toHaveLength(2);
  });

  it('that were retired are silent on purpose', async () => {
    const heartbeatAt = new Date(0).toISOString();
    world.stores.agents.put(anAgent({ id: 'ps-1', heartbeatAt, isRetired: true }));
    await noteSilentAgents(world);
    expect(await events()).toEqual([]);
  });
});

describe('GET /api/events', () => {
  beforeEach(() => {
    for (const [index, [itemId, jobId]] of [
      ['web-01', 'fb-1'],
      ['web-01', 'fb-2'],
      ['web-02', 'fb-3'],
    ].entries()) {
      const id = `${9 - index}-e`;
      const rest = {
        at: NOW,
        kind: 'jobStep',
        caller: 'system',
        message: 'x',
        code: null,
      } as const;
      world.stores.events.put({
        ...rest,
        id,
        itemId: must(itemId, 'the id of the item'),
        jobId: must(jobId, 'the id of the job'),
      });
    }
    world.stores.jobs.put(aJob());
    const line = { at: NOW, kind: 'runAsked', caller: 'x', message: 'x', code: null } as const;
    const none = { itemId: null, jobId: null };
    world.stores.events.put({ ...line, ...none, id: '8-r', planId: 'shop', runId: 'pr-1' });
    world.stores.events.put({ ...line, ...none, id: '9-p', planId: 'shop' });
  });

  it.each([
    [{}, ['fb-3', 'fb-2', null, 'fb-1', null]],
    [{ itemId: 'web-01' }, ['fb-2', 'fb-1']],
    [{ jobId: 'fb-1' }, ['fb-1']],
    [{ itemId: 'web-02', jobId: 'fb-1' }, []],
    [{ limit: '1' }, ['fb-3']],
  ] as const)('with %j gives %j, newest first', async (query, jobIds) => {
    expect((await events(query)).map(({ jobId }) => jobId)).toEqual(jobIds);
  });

  it.each([
    [{ planId: 'shop' }, ['8-r', '9-p']],
    [{ runId: 'pr-1' }, ['8-r']],
    [{ planId: 'other' }, []],
    [{ planId: 'shop', itemId: 'web-01' }, []],
  ] as const)('with %j gives the lines %j of recovery plans', async (query, ids) => {
    expect((await events(query)).map(({ id }) => id)).toEqual(ids);
  });

  it('says of every line what it is about, also where it is of no plan', async () => {
    const { json } = await callRoute(world, 'listEvents', { query: { limit: '1' } });
    expect(json).toMatchObject({ value: [{ jobId: 'fb-3', planId: null, runId: null }] });
  });

  it.each([{ limit: '0' }, { limit: '501' }, { limit: 'all' }, { itemid: 'web-01' }])(
    'refuses %j',
    async (query) => {
      const answer = await callRoute(world, 'listEvents', { query });
      expect(problemOf(answer)).toMatchObject({ status: 400, code: 'FB-REQ-001' });
    },
  );
});
