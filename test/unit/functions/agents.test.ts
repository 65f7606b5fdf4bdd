import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { registeredAgentSchema } from '../../../shared/contracts/agent-protocol.ts';
import { AGENT_KEY, anAgent, NOW } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import {
  emptyWorld,
  type MemoryWorld,
  REGISTRATION_TOKEN,
  stateOf,
} from '../../support/memory/memory-world.ts';
import { must } from '../../support/must.ts';

let world: MemoryWorld;
const tokenHeader = { 'x-registration-token': REGISTRATION_TOKEN };
const masterTarget = {
  kind: 'masterTarget',
  name: 'mt1',
  version: '1.0.0',
  address: { host: 'mt1.site.example', port: 9443 },
};

beforeEach(() => {
  world = emptyWorld();
});

describe('POST /api/agents', () => {
  const register = (body: unknown = masterTarget, headers: Record<string, string> = tokenHeader) =>
    callRoute(world, 'registerAgent', { body, headers });

  it('gives an identity, a key that is shown once, and the queue of its commands', async () => {
    const answer = await register();
    expect(answer.status).toBe(201);
    const { agentId, agentKey, queueUrl, queueUrlExpiresAt } = registeredAgentSchema.parse(
      answer.json,
    );
    expect(agentId).toBe('mt-mt1');
    expect(queueUrl).toContain('agent-mt-mt1');
    expect(Date.parse(queueUrlExpiresAt)).toBeGreaterThan(world.clock.now().getTime());
    const record = world.stores.agents.must(agentId);
    expect(record).toMatchObject({ kind: 'masterTarget', name: 'mt1', heartbeatAt: NOW });
    expect(record.keyHash).toBe(createHash('sha256').update(agentKey).digest('hex'));
    expect(JSON.stringify(world.stores.agents.all())).not.toContain(agentKey);
  });

  it('again keeps the identity and replaces the key: the old one is worth nothing any more', async () => {
    const first = registeredAgentSchema.parse((await register()).json);
    world.clock.advance(1000);
    const second = registeredAgentSchema.parse((await register()).json);
    expect(second.agentId).toBe(first.agentId);
    expect(second.agentKey).not.toBe(first.agentKey);
    expect(world.stores.agents.all()).toHaveLength(1);
    const beat = (key: string) =>
      callRoute(world, 'agentHeartbeat', {
        params: { agentId: first.agentId },
        headers: { authorization: `Bearer ${key}` },
        body: { version: '1', runningCommandIds: [] },
      });
    expect((await beat(first.agentKey)).status).toBe(401);
    expect((await beat(second.agentKey)).status).toBe(200);
  });

  it('never gives two names one identity: who registers would lock the other out', async () => {
    const long = 'x'.repeat(57);
    const names = ['mt1', 'MT1', 'mt-1', 'mt_1', 'mt--1', long, `${long}y`, `${long}z`];
    const ids: string[] = [];
    for (const name of names) {
      const { agentId } = registeredAgentSchema.parse(
        (await register({ ...masterTarget, name })).json,
      );
      expect(`agent-${agentId}`).toMatch(/^[a-z0-9](?:-?[a-z0-9]){2,62}$/);
      expect(world.stores.agents.must(agentId).name).toBe(name);
      ids.push(agentId);
    }
    expect(new Set(ids).size).toBe(names.length);
    const pretender = must(ids[1], 'the second identity').replace(/^mt-/, '');
    const answer = await register({ ...masterTarget, name: pretender });
    expect(ids).not.toContain(registeredAgentSchema.parse(answer.json).agentId);
  });

  it('keeps agents of another kind with the same name apart', async () => {
    await register();
    await register({ ...masterTarget, kind: 'processServer' });
    await register({ ...masterTarget, kind: 'configurationServer' });
    const ids = world.stores.agents.all().map(({ id }) => id);
    expect(ids).toEqual(['cs-mt1', 'mt-mt1', 'ps-mt1']);
  });

  it('remembers that an agent has no address', async () => {
    const { address: _none, ...rest } = masterTarget;
    await register(rest);
    expect(world.stores.agents.must('mt-mt1').address).toBeNull();
  });

  it.each([
    ['no token', {}],
    ['an empty token', { 'x-registration-token': '' }],
    ['another token', { 'x-registration-token': `${REGISTRATION_TOKEN}x` }],
    ['the beginning of the token', { 'x-registration-token': REGISTRATION_TOKEN.slice(0, -1) }],
  ])('is refused with %s, and nothing is kept', async (_what, headers) => {
    const answer = await register(masterTarget, headers);
    expect(problemOf(answer)).toMatchObject({ status: 401, code: 'FB-REQ-006' });
    expect(stateOf(world)).toEqual(stateOf(emptyWorld()));
  });

  it('looks at the token before the body: who does not know it learns nothing about the body', async () => {
    expect((await register({ kind: 'x' }, {})).status).toBe(401);
  });

  it('names every fault of the body by its path', async () => {
    const answer = await register({ kind: 'x', name: '../y', version: 1, address: { host: 'h' } });
    const problem = problemOf(answer);
    expect(problem.status).toBe(400);
    expect(problem.problems?.map(({ path }) => path).toSorted()).toEqual([
      'address.port',
      'kind',
      'name',
      'version',
    ]);
  });
});

describe('GET /api/agents', () => {
  it('lists the agents for people, without anything of their keys', async () => {
    world.stores.agents.put(anAgent());
    const { json } = await callRoute(world, 'listAgents');
    const { keyHash, ...shown } = anAgent();
    expect(json).toEqual({ value: [shown] });
    expect(JSON.stringify(json)).not.toContain(keyHash);
  });
});

describe('the key of an agent', () => {
  const beatWith = (authorization: string, agentId = 'mt-mt1') =>
    callRoute(world, 'agentHeartbeat', {
      params: { agentId },
      headers: { authorization },
      body: { version: '1', runningCommandIds: [] },
    });

  beforeEach(() => {
    world.stores.agents.put(anAgent());
    const keyHash = createHash('sha256').update('another').digest('hex');
    world.stores.agents.put(anAgent({ id: 'ps-other', kind: 'processServer', keyHash }));
  });

  it.each([
    ['is not given', '', 'mt-mt1'],
    ['is empty', 'Bearer ', 'mt-mt1'],
    ['is wrong', 'Bearer wrong', 'mt-mt1'],
    ['is that of another agent', `Bearer ${AGENT_KEY}`, 'ps-other'],
    ['is that of an agent that does not exist', `Bearer ${AGENT_KEY}`, 'mt-nobody'],
    ['is empty for an agent that does not exist', 'Bearer ', 'mt-nobody'],
    ['comes in another scheme', `Basic ${AGENT_KEY}`, 'mt-mt1'],
    ['is the hash that the table keeps', `Bearer ${anAgent().keyHash}`, 'mt-mt1'],
  ])('does not open anything when it %s', async (_what, authorization, agentId) => {
    const before = stateOf(world);
    const answer = await beatWith(authorization, agentId);
    expect(problemOf(answer)).toMatchObject({ status: 401, code: 'FB-REQ-006' });
    expect(stateOf(world)).toEqual(before);
    expect(inspect(answer)).not.toContain(AGENT_KEY);
  });
});
