import { beforeEach, describe, expect, it } from '@jest/globals';
import { commandEnvelopeSchema } from '../../../shared/contracts/agent-protocol.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { aCommand, AGENT_KEY, anAgent, aProgress } from '../../support/memory/builders.ts';
import { type Called, callRoute, problemOf } from '../../support/memory/call-route.ts';
import { emptyWorld, type MemoryWorld, stateOf } from '../../support/memory/memory-world.ts';

let world: MemoryWorld;
const keyHeader = { authorization: `Bearer ${AGENT_KEY}` };

beforeEach(() => {
  world = emptyWorld();
  world.stores.agents.put(anAgent());
  world.stores.commands.put(aCommand());
});

describe('the commands of an agent', () => {
  const call = (name: string, body?: unknown, commandId = 'fb-1.seal-1'): Promise<Called> =>
    callRoute(world, name, {
      params: { agentId: 'mt-mt1', commandId },
      headers: keyHeader,
      ...(body === undefined ? {} : { body }),
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
