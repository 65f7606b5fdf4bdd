import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  commandEnvelopeSchema,
  heartbeatAnswerSchema,
  registeredAgentSchema,
} from '../../../shared/contracts/agent-protocol.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { aCommand, AGENT_KEY, anAgent, aProgress, NOW } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import {
  emptyWorld,
  type MemoryWorld,
  REGISTRATION_TOKEN,
  stateOf,
} from '../../support/memory/memory-world.ts';

let world: MemoryWorld;
const tokenHeader = { 'x-registration-token': REGISTRATION_TOKEN };
const keyHeader = { authorization: `Bearer ${AGENT_KEY}` };
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
    const pretender = ids[1]!.replace(/^mt-/, '');
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

describe('POST /api/agents/{agentId}/heartbeat', () => {
  const beat = (body: unknown) =>
    callRoute(world, 'agentHeartbeat', { params: { agentId: 'mt-mt1' }, headers: keyHeader, body });

  beforeEach(() => {
    world.stores.agents.put(anAgent());
  });

  it('keeps how busy a master target is, as long as it tells', async () => {
    world.stores.agents.put(anAgent());
    const load = {
      osType: 'Linux',
      openReplications: 2,
      attachedDiskCount: 5,
      retentionFreeBytes: 1024,
    };
    await beat({ version: '1', runningCommandIds: [], load });
    expect(world.stores.agents.must('mt-mt1').load).toEqual(load);
    const { json } = await callRoute(world, 'listAgents');
    expect(json).toMatchObject({ value: [{ load }] });
    await beat({ version: '1', runningCommandIds: [] });
    expect(world.stores.agents.must('mt-mt1').load).toBeUndefined();
  });

  it('shows that the agent lives, and renews the way to its commands', async () => {
    world.clock.advance(15_000);
    const answer = await beat({ version: '1.1.0', runningCommandIds: [] });
    const now = world.clock.now().toISOString();
    expect(world.stores.agents.must('mt-mt1')).toMatchObject({
      version: '1.1.0',
      heartbeatAt: now,
      registeredAt: NOW,
      address: anAgent().address,
    });
    const { queueUrl, cancelledCommandIds } = heartbeatAnswerSchema.parse(answer.json);
    expect(queueUrl).toContain('agent-mt-mt1');
    expect(cancelledCommandIds).toEqual([]);
  });

  it('takes over a new address', async () => {
    const address = { host: 'elsewhere', port: 1 };
    await beat({ version: '1', address, runningCommandIds: [] });
    expect(world.stores.agents.must('mt-mt1').address).toEqual(address);
  });

  it('names those of the running commands that were given up, and no others', async () => {
    const given = failure(errorRecord('FB-ORC-005'));
    world.stores.commands.put(aCommand({ id: 'fb-1.given-up', result: given }));
    world.stores.commands.put(aCommand({ id: 'fb-1.running' }));
    world.stores.commands.put(aCommand({ id: 'fb-1.not-asked', result: given }));
    const runningCommandIds = ['fb-1.given-up', 'fb-1.running', 'fb-1.never-sent'];
    const { json } = await beat({ version: '1', runningCommandIds });
    expect(heartbeatAnswerSchema.parse(json).cancelledCommandIds).toEqual(['fb-1.given-up']);
  });

  it('names the faults of its body by path', async () => {
    const problem = problemOf(await beat({ runningCommandIds: 'fb-1.x' }));
    expect(problem.status).toBe(400);
    expect(problem.problems?.map(({ path }) => path).toSorted()).toEqual([
      'runningCommandIds',
      'version',
    ]);
  });
});

describe('the commands of an agent', () => {
  const call = (name: string, body?: unknown, commandId = 'fb-1.seal-1'): Promise<Called> =>
    callRoute(world, name, {
      params: { agentId: 'mt-mt1', commandId },
      headers: keyHeader,
      ...(body === undefined ? {} : { body }),
    });

  beforeEach(() => {
    world.stores.agents.put(anAgent());
    world.stores.commands.put(aCommand());
  });

  it.each([
    ['pending', null],
    ['succeeded', success({ sealedPointId: null })],
    ['failed', failure(errorRecord('FB-ORC-005'))],
  ] as const)('are told with their input and that they are %s', async (state, result) => {
    world.stores.commands.put(aCommand({ result }));
    const answer = await call('agentCommand');
    expect(commandEnvelopeSchema.parse(answer.json)).toEqual({
      commandId: 'fb-1.seal-1',
      name: 'discardUnsealed',
      input: { replicationId: 'web-01' },
      deadline: aCommand().deadlineAt,
      state,
    });
  });

  it.each(['agentCommand', 'agentProgress', 'agentResult', 'agentDataAccess'])(
    '%s does not show whether a command of another agent exists',
    async (name) => {
      world.stores.commands.put(aCommand({ id: 'fb-1.theirs', agentId: 'ps-other' }));
      const before = stateOf(world);
      // What progress and what a result consist of: the body is no reason to refuse.
      const body = { ...aProgress(), ...success({}) };
      const theirs = await call(name, body, 'fb-1.theirs');
      const nobodys = await call(name, body, 'fb-1.nobodys');
      expect(theirs.status).toBe(404);
      const hide = ({ json }: Called) => JSON.stringify(json).replaceAll(/theirs|nobodys/g, 'it');
      expect(hide(theirs)).toBe(hide(nobodys));
      expect(stateOf(world)).toEqual(before);
    },
  );

  it('keep the newest progress and when it came', async () => {
    await call('agentProgress', aProgress({ bytesDone: 1 }));
    world.clock.advance(1000);
    const answer = await call('agentProgress', aProgress({ bytesDone: 2 }));
    expect(answer.status).toBe(204);
    expect(world.stores.commands.must('fb-1.seal-1')).toMatchObject({
      progress: { bytesDone: 2 },
      progressAt: world.clock.now().toISOString(),
    });
  });

  it('take no progress after their result', async () => {
    world.stores.commands.put(aCommand({ result: success({ sealedPointId: null }) }));
    expect((await call('agentProgress', aProgress())).status).toBe(204);
    expect(world.stores.commands.must('fb-1.seal-1').progress).toBeNull();
  });

  it('refuse progress that makes no sense, by path', async () => {
    const problem = problemOf(await call('agentProgress', aProgress({ bytesTotal: -5 })));
    expect(problem).toMatchObject({ status: 400, problems: [{ path: 'bytesTotal' }] });
  });

  it('keep their result, and wake the part that waits for it', async () => {
    const result = success({ sealedPointId: 'fb-1-p0001' });
    expect((await call('agentResult', result)).status).toBe(204);
    expect(world.stores.commands.must('fb-1.seal-1').result).toEqual(result);
    expect(world.orchestrator.woken).toEqual(['fb-1-replication command:fb-1.seal-1']);
  });

  it('keep the first of two results; the second is accepted and wakes again', async () => {
    await call('agentResult', success({ sealedPointId: 'first' }));
    const answer = await call('agentResult', success({ sealedPointId: 'second' }));
    expect(answer.status).toBe(204);
    const { result } = world.stores.commands.must('fb-1.seal-1');
    expect(result).toEqual(success({ sealedPointId: 'first' }));
    expect(world.orchestrator.woken).toHaveLength(2);
  });

  it('keep the result although the storage was changed at the same moment', async () => {
    world.stores.commands.beforeReplace = () => {
      world.stores.commands.beforeReplace = () => undefined;
      world.stores.commands.put(aCommand({ progress: aProgress() }));
    };
    const result = success({ sealedPointId: null });
    await call('agentResult', result);
    expect(world.stores.commands.must('fb-1.seal-1')).toMatchObject({
      result,
      progress: aProgress(),
    });
  });

  it('wake nobody when nobody waits', async () => {
    world.stores.commands.put(aCommand({ instanceId: '' }));
    await call('agentResult', success({ sealedPointId: null }));
    expect(world.orchestrator.woken).toEqual([]);
  });

  it('take a failure as it is', async () => {
    const result = failure(errorRecord('FB-JRN-004'));
    await call('agentResult', result);
    expect(world.stores.commands.must('fb-1.seal-1').result).toEqual(result);
  });

  it('refuse a result that is not what the command promises, by path, and stay open', async () => {
    const problem = problemOf(await call('agentResult', success({ sealedPointId: 'a/b' })));
    expect(problem).toMatchObject({ status: 400, problems: [{ path: 'sealedPointId' }] });
    expect(world.stores.commands.must('fb-1.seal-1').result).toBeNull();
    expect(world.orchestrator.woken).toEqual([]);
  });
});
