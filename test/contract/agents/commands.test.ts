import { describe, expect, it } from '@jest/globals';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { stopVm, verifyBoot, useCommands } from './command-fixture.ts';

const fixture = useCommands();

describe('a command that is delivered', () => {
  it('runs, its result is stored, whoever waits is woken, and the message is gone', async () => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    const id = await fixture.plane.give({
      agentId: worker.agentId,
      ...stopVm,
      instanceId: 'waiting',
    });
    expect(await fixture.plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    await untilTrue('it is woken', () => fixture.plane.wakes.includes(`waiting command:${id}`));
    await fixture.emptied(worker);
    expect(fixture.trace).toEqual([`${id} stopped`]);
  });

  it('runs once though it was sent three times', async () => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    await fixture.plane.sendAgain(worker.agentId, id);
    await fixture.plane.resultOf(id);
    await fixture.emptied(worker);
    await fixture.plane.sendAgain(worker.agentId, id);
    await fixture.emptied(worker);
    expect(fixture.trace).toEqual([`${id} stopped`]);
  });

  it('is left alone while it runs and comes a second time', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const worker = await fixture.start({
      stopVm: async (_input, { commandId }) => {
        fixture.trace.push(commandId);
        await finished;
        return success({ wasRunning: false });
      },
    });
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    await untilTrue('it runs', () => fixture.trace.length === 1);
    await fixture.plane.sendAgain(worker.agentId, id);
    await untilTrue('the second message is removed', async () => {
      return (await fixture.plane.messageCount(worker.agentId)) === 1;
    });
    finish();
    expect(await fixture.plane.resultOf(id)).toEqual(success({ wasRunning: false }));
    expect(fixture.trace).toEqual([id]);
  });

  it('is answered with the first result when a restarted agent gets it again', async () => {
    const first = await fixture.start({ stopVm: fixture.stopped });
    const id = await fixture.plane.give({ agentId: first.agentId, ...stopVm });
    await fixture.plane.resultOf(id);
    await fixture.emptied(first);
    await first.stop();
    const posts = fixture.plane.count(new RegExp(`${id}/result$`));
    const second = await fixture.start({
      stopVm: async () => failure(errorRecord('FB-SITE-001', { replicationId: 'ran twice' })),
    });
    await fixture.plane.sendAgain(second.agentId, id);
    await fixture.emptied(second);
    expect(fixture.plane.count(new RegExp(`${id}/result$`), 204)).toBe(posts + 1);
    expect(await fixture.plane.resultOf(id)).toEqual(success({ wasRunning: true }));
  });

  it('is not run when the control plane has its result already', async () => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    const cancelled = failure(errorRecord('FB-DATA-008'));
    const id = await fixture.plane.give({ agentId: 'elsewhere', ...stopVm });
    await fixture.plane.amend(id, { agentId: worker.agentId, result: cancelled });
    await fixture.plane.sendAgain(worker.agentId, id);
    await fixture.emptied(worker);
    expect(fixture.trace).toEqual([]);
    expect(await fixture.plane.resultOf(id)).toEqual(cancelled);
  });

  it('is refused when it comes after its deadline', async () => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    const deadlineAt = new Date(Date.now() - 1000).toISOString();
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm, deadlineAt });
    const result = await fixture.plane.resultOf(id);
    expect(result).toMatchObject({ ok: false, error: { code: 'FB-AGENT-010' } });
    expect(fixture.trace).toEqual([]);
  });
});

describe('a message that is no command of this agent', () => {
  it.each([
    ['no JSON', 'hello'],
    ['JSON without a command id', '{"command":"job-1.stopVm"}'],
    ['an empty command id', '{"commandId":""}'],
  ])('is removed when it is %s, and the next one runs', async (_name, text) => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    await fixture.plane.sendRaw(worker.agentId, text);
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    await fixture.plane.resultOf(id);
    await fixture.emptied(worker);
    expect(worker.lines.join('\n')).toContain('a message that is no command was removed');
  });

  it('does not stop others when it names a command of another agent', async () => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    const foreign = await fixture.plane.give({ agentId: 'mt-somebody-else', ...stopVm });
    await fixture.plane.sendAgain(worker.agentId, foreign);
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    await fixture.plane.resultOf(id);
    expect(fixture.trace).toEqual([`${id} stopped`]);
    expect((await fixture.plane.command(foreign)).result).toBeNull();
  });

  it('is answered when it is a command of another kind of agent', async () => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    const id = await fixture.plane.give({ agentId: worker.agentId, ...verifyBoot });
    const result = await fixture.plane.resultOf(id);
    const values = { command: 'verifyBoot' };
    expect(result).toMatchObject({ ok: false, error: { code: 'FB-AGENT-008', values } });
  });

  it('is answered when its input is not what this agent understands', async () => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    const id = await fixture.plane.give({ agentId: 'elsewhere', ...stopVm });
    const newer = { replicationId: 'web-01', graceful: 'politely' };
    await fixture.plane.amend(id, { agentId: worker.agentId, input: newer });
    await fixture.plane.sendAgain(worker.agentId, id);
    expect(await fixture.plane.resultOf(id)).toMatchObject({
      ok: false,
      error: { code: 'FB-AGENT-009', message: expect.stringContaining('graceful') },
    });
    expect(fixture.trace).toEqual([]);
  });
});
