import { beforeEach, describe, expect, it } from '@jest/globals';
import { heartbeatAnswerSchema } from '../../../shared/contracts/agent-protocol.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure } from '../../../shared/errors/result.ts';
import { aCommand, AGENT_KEY, anAgent, NOW } from '../../support/memory/builders.ts';
import { callRoute, problemOf } from '../../support/memory/call-route.ts';
import { emptyWorld, type MemoryWorld } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;
const keyHeader = { authorization: `Bearer ${AGENT_KEY}` };

beforeEach(() => {
  world = emptyWorld();
  world.stores.agents.put(anAgent());
});

describe('POST /api/agents/{agentId}/heartbeat', () => {
  const beat = (body: unknown) =>
    callRoute(world, 'agentHeartbeat', { params: { agentId: 'mt-mt1' }, headers: keyHeader, body });

  it('keeps how busy a master target is, as long as it tells', async () => {
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

  it('of an agent that is retired is refused with FB-REQ-033 until it registers again', async () => {
    world.stores.agents.put(anAgent({ isRetired: true }));
    const answer = await beat({ version: '1', runningCommandIds: [] });
    expect(problemOf(answer)).toMatchObject({ code: 'FB-REQ-033' });
    expect(world.stores.agents.must('mt-mt1').isRetired).toBe(true);
    const headers = { 'x-registration-token': world.registrationToken.reveal() };
    const body = { kind: 'masterTarget', name: 'mt1', version: '1' };
    await callRoute(world, 'registerAgent', { headers, body });
    expect(world.stores.agents.must('mt-mt1')).not.toHaveProperty('isRetired');
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
