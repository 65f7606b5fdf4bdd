import { describe, expect, it } from '@jest/globals';
import type { CommandName } from '../../../shared/contracts/commands.ts';
import { type ErrorRecord, errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import type { Worker } from '../../support/control-plane/worker.ts';
import { stopVm, useCommands } from './command-fixture.ts';

const fixture = useCommands();

const startVm = { name: 'startVm', input: { replicationId: 'web-01' } } as const;
const started = async () => {
  fixture.trace.push('startVm');
  return success({ startedAt: new Date().toISOString(), isBootSimulated: true });
};

describe('a message whose lease was lost while its command runs', () => {
  const lost = (worker: Worker): boolean =>
    worker.lines.some((line) => line.includes('came again while its command runs'));

  it('is still there when the agent stops, and its command runs at the next start', async () => {
    fixture.plane.queueProxy.visibilitySeconds = 1;
    const first = await fixture.start({
      stopVm: async (_input, context) => fixture.forever(context),
    });
    const id = await fixture.plane.give({ agentId: first.agentId, ...stopVm });
    await untilTrue('it comes again', () => lost(first));
    await first.stop();
    expect(await fixture.plane.messageCount(first.agentId)).toBe(1);
    expect(fixture.trace).toEqual([`${id} began`]);
    const second = await fixture.start({ stopVm: async () => success({ wasRunning: true }) });
    expect(await fixture.plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    await fixture.emptied(second);
  });

  it('is removed with the receipt that holds now when its command ends', async () => {
    fixture.plane.queueProxy.visibilitySeconds = 1;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const worker = await fixture.start({
      stopVm: async () => {
        fixture.trace.push('stopVm');
        await finished;
        return success({ wasRunning: true });
      },
    });
    await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    await untilTrue('it comes again', () => lost(worker));
    fixture.plane.queueProxy.visibilitySeconds = null;
    finish();
    await fixture.emptied(worker);
    expect(fixture.trace).toEqual(['stopVm']);
  });
});

describe('a command that waits for its turn', () => {
  /** One that runs until `release`, and one behind it. */
  async function waiting(deadlineAt?: string) {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const worker = await fixture.start({
      startVm: started,
      stopVm: async (_input, { signal }) => {
        fixture.trace.push('stopVm');
        signal.addEventListener('abort', release);
        await released;
        return success({ wasRunning: true });
      },
    });
    const { agentId } = worker;
    await fixture.plane.give({ agentId, ...stopVm });
    await untilTrue('the first runs', () => fixture.trace.length === 1);
    const deadline = deadlineAt === undefined ? {} : { deadlineAt };
    const id = await fixture.plane.give({ agentId, ...startVm, ...deadline });
    await untilTrue(
      'the second is fetched',
      () => fixture.plane.count(new RegExp(`${id}$`), 200) === 1,
    );
    await untilTrue('the second waits', () => worker.runner.runningIds.includes(id));
    return { worker, id, release };
  }

  it('is not run once it was given up', async () => {
    const { worker, id, release } = await waiting();
    const given = failure(errorRecord('FB-AGENT-010', { command: 'startVm' }));
    await fixture.plane.giveUp(id, given);
    worker.runner.cancel(id);
    release();
    await fixture.emptied(worker);
    expect(fixture.trace).toEqual(['stopVm']);
    expect(await fixture.plane.resultOf(id)).toEqual(given);
  });

  it('is not begun when the agent stops, and is left for its next start', async () => {
    fixture.plane.queueProxy.visibilitySeconds = 1;
    const { worker, id } = await waiting();
    await worker.stop();
    expect(fixture.trace).toEqual(['stopVm']);
    expect((await fixture.plane.command(id)).result).toBeNull();
    await fixture.start({ startVm: started, stopVm: async () => success({ wasRunning: false }) });
    expect(await fixture.plane.resultOf(id)).toMatchObject({ ok: true });
    expect(fixture.trace).toEqual(['stopVm', 'startVm']);
  });

  it('is refused when its deadline is over before its turn comes', async () => {
    const deadlineAt = new Date(Date.now() + 1500).toISOString();
    const { id, release } = await waiting(deadlineAt);
    await untilTrue('the deadline is over', () => Date.now() > Date.parse(deadlineAt));
    release();
    expect(await fixture.plane.resultOf(id)).toMatchObject({ error: { code: 'FB-AGENT-010' } });
    expect(fixture.trace).toEqual(['stopVm']);
  });
});

describe('what agent and control plane do not understand of each other', () => {
  it('is answered when it is a command that this agent does not know', async () => {
    const worker = await fixture.start({});
    const id = await fixture.plane.give({ agentId: 'elsewhere', ...stopVm });
    const name = 'defragment' as CommandName;
    await fixture.plane.amend(id, { agentId: worker.agentId, name });
    await fixture.plane.sendAgain(worker.agentId, id);
    const values = { command: 'defragment' };
    expect(await fixture.plane.resultOf(id)).toMatchObject({
      error: { code: 'FB-AGENT-008', values },
    });
    await fixture.emptied(worker);
  });

  it('ends the command when it is a result that the control plane refuses', async () => {
    const wrong = { ok: true, value: { nonsense: 1 } } as never;
    const worker = await fixture.start({ stopVm: async () => wrong });
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await fixture.plane.resultOf(id)).toMatchObject({
      error: { code: 'FB-SITE-900', message: expect.stringContaining('wasRunning') },
    });
    await fixture.emptied(worker);
  });

  it('ends the command when it is an error that only the agent knows', async () => {
    const newer = {
      ...errorRecord('FB-SITE-002', { vmName: 'web-01' }),
      code: 'FB-SITE-899' as ErrorRecord['code'],
      message: 'The moon is full.',
    };
    const worker = await fixture.start({ stopVm: async () => failure(newer) });
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await fixture.plane.resultOf(id)).toMatchObject({
      error: {
        code: 'FB-SITE-900',
        message: expect.stringContaining('FB-SITE-899 The moon is full.'),
        recommendedAction: newer.recommendedAction,
        values: {
          vmName: 'web-01',
          originalCode: 'FB-SITE-899',
          originalMessage: 'The moon is full.',
        },
      },
    });
    await fixture.emptied(worker);
  });
});
