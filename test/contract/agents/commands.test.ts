import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandContext, CommandHandlers } from '../../../agents/runtime/types.ts';
import { errorRecord, FailbackError } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { ControlPlane } from '../../support/control-plane/control-plane.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { startWorker, type Worker } from '../../support/control-plane/worker.ts';

let plane: ControlPlane;
let folder: string;
let workers: Worker[];
let workerCount = 0;
/** `<command id> <what>` in the order in which it happened. */
let trace: string[];

beforeAll(async () => {
  plane = await ControlPlane.start();
});
afterAll(async () => plane.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'commands-'));
  workers = [];
  trace = [];
  workerCount += 1;
});
afterEach(async () => {
  plane.fault = () => null;
  plane.queueProxy.visibilitySeconds = null;
  await Promise.all(workers.map((worker) => worker.stop()));
  rmSync(folder, { recursive: true, force: true });
});

/** An agent of this test; started again it is the same one, with the same journal. */
async function start(handlers: CommandHandlers): Promise<Worker> {
  const name = `worker-${workerCount}`;
  const worker = await startWorker({ controlPlane: plane, dataFolder: folder, handlers, name });
  workers.push(worker);
  return worker;
}

const stopVm = { name: 'stopVm', input: { replicationId: 'web-01', graceful: true } } as const;
const verifyBoot = {
  name: 'verifyBoot',
  input: { replicationId: 'web-01', timeoutSeconds: 60 },
} as const;
const stopped: CommandHandlers['stopVm'] = async (_input, { commandId }) => {
  trace.push(`${commandId} stopped`);
  return success({ wasRunning: true });
};

/** Runs until it is broken off. */
async function forever({ commandId, signal }: CommandContext): Promise<never> {
  trace.push(`${commandId} began`);
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('broken off')));
  });
}

const emptied = async (worker: Worker): Promise<void> =>
  untilTrue('the queue is empty', async () => (await plane.messageCount(worker.agentId)) === 0);

describe('a command that is delivered', () => {
  it('runs, its result is stored, whoever waits is woken, and the message is gone', async () => {
    const worker = await start({ stopVm: stopped });
    const id = await plane.give({ agentId: worker.agentId, ...stopVm, instanceId: 'waiting' });
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    await untilTrue('it is woken', () => plane.wakes.includes(`waiting command:${id}`));
    await emptied(worker);
    expect(trace).toEqual([`${id} stopped`]);
  });

  it('runs once though it was sent three times', async () => {
    const worker = await start({ stopVm: stopped });
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    await plane.sendAgain(worker.agentId, id);
    await plane.resultOf(id);
    await emptied(worker);
    await plane.sendAgain(worker.agentId, id);
    await emptied(worker);
    expect(trace).toEqual([`${id} stopped`]);
  });

  it('is left alone while it runs and comes a second time', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const worker = await start({
      stopVm: async (_input, { commandId }) => {
        trace.push(commandId);
        await finished;
        return success({ wasRunning: false });
      },
    });
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    await untilTrue('it runs', () => trace.length === 1);
    await plane.sendAgain(worker.agentId, id);
    await untilTrue('the second message is removed', async () => {
      return (await plane.messageCount(worker.agentId)) === 1;
    });
    finish();
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: false }));
    expect(trace).toEqual([id]);
  });

  it('is answered with the first result when a restarted agent gets it again', async () => {
    const first = await start({ stopVm: stopped });
    const id = await plane.give({ agentId: first.agentId, ...stopVm });
    await plane.resultOf(id);
    await emptied(first);
    await first.stop();
    const posts = plane.count(new RegExp(`${id}/result$`));
    const second = await start({
      stopVm: async () => failure(errorRecord('FB-SITE-001', { replicationId: 'ran twice' })),
    });
    await plane.sendAgain(second.agentId, id);
    await emptied(second);
    expect(plane.count(new RegExp(`${id}/result$`), 204)).toBe(posts + 1);
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: true }));
  });

  it('is not run when the control plane has its result already', async () => {
    const worker = await start({ stopVm: stopped });
    const cancelled = failure(errorRecord('FB-DATA-008'));
    const id = await plane.give({ agentId: 'elsewhere', ...stopVm });
    const record = await plane.stores.commands.get(id);
    await plane.stores.commands.replace(
      { ...record!.value, agentId: worker.agentId, result: cancelled },
      record!.etag,
    );
    await plane.sendAgain(worker.agentId, id);
    await emptied(worker);
    expect(trace).toEqual([]);
    expect(await plane.resultOf(id)).toEqual(cancelled);
  });

  it('is refused when it comes after its deadline', async () => {
    const worker = await start({ stopVm: stopped });
    const deadlineAt = new Date(Date.now() - 1000).toISOString();
    const id = await plane.give({ agentId: worker.agentId, ...stopVm, deadlineAt });
    const result = await plane.resultOf(id);
    expect(result).toMatchObject({ ok: false, error: { code: 'FB-AGENT-010' } });
    expect(trace).toEqual([]);
  });
});

describe('what a handler throws', () => {
  it.each([
    [
      'an error of the catalogue as it is',
      new FailbackError('FB-SITE-001', { replicationId: 'web-01' }),
      { code: 'FB-SITE-001', values: { replicationId: 'web-01' } },
    ],
    [
      'anything else as a defect, without secrets',
      new Error('no way to https://x.blob/?sv=1&sig=SECRET'),
      { code: 'FB-SITE-900', message: expect.not.stringContaining('SECRET') },
    ],
    ['what is no error as a defect too', 'a string', { code: 'FB-SITE-900' }],
  ])('is reported: %s', async (_name, thrown, error) => {
    const worker = await start({
      stopVm: async () => {
        // A library may throw what is no error.
        throw thrown as Error;
      },
    });
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await plane.resultOf(id)).toMatchObject({ ok: false, error });
    expect(worker.lines.join('\n')).not.toContain('SECRET');
  });
});

describe('a message that is no command of this agent', () => {
  it.each([
    ['no JSON', 'hello'],
    ['JSON without a command id', '{"command":"job-1.stopVm"}'],
    ['an empty command id', '{"commandId":""}'],
  ])('is removed when it is %s, and the next one runs', async (_name, text) => {
    const worker = await start({ stopVm: stopped });
    await plane.sendRaw(worker.agentId, text);
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    await plane.resultOf(id);
    await emptied(worker);
    expect(worker.lines.join('\n')).toContain('a message that is no command was removed');
  });

  it('does not stop others when it names a command of another agent', async () => {
    const worker = await start({ stopVm: stopped });
    const foreign = await plane.give({ agentId: 'mt-somebody-else', ...stopVm });
    await plane.sendAgain(worker.agentId, foreign);
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    await plane.resultOf(id);
    expect(trace).toEqual([`${id} stopped`]);
    expect((await plane.command(foreign)).result).toBeNull();
  });

  it('is answered when it is a command of another kind of agent', async () => {
    const worker = await start({ stopVm: stopped });
    const id = await plane.give({ agentId: worker.agentId, ...verifyBoot });
    const result = await plane.resultOf(id);
    const values = { command: 'verifyBoot' };
    expect(result).toMatchObject({ ok: false, error: { code: 'FB-AGENT-008', values } });
  });

  it('is answered when its input is not what this agent understands', async () => {
    const worker = await start({ stopVm: stopped });
    const id = await plane.give({ agentId: 'elsewhere', ...stopVm });
    const record = await plane.stores.commands.get(id);
    const newer = { replicationId: 'web-01', graceful: 'politely' };
    await plane.stores.commands.replace(
      { ...record!.value, agentId: worker.agentId, input: newer },
      record!.etag,
    );
    await plane.sendAgain(worker.agentId, id);
    expect(await plane.resultOf(id)).toMatchObject({
      ok: false,
      error: { code: 'FB-AGENT-009', message: expect.stringContaining('graceful') },
    });
    expect(trace).toEqual([]);
  });
});

describe('a result that does not get through', () => {
  it.each([
    ['the control plane is overloaded', { status: 503 } as const],
    ['the connection is cut before it arrives', 'cutBefore' as const],
    ['the connection is cut before the answer', 'cutAfter' as const],
  ])('is sent again when %s, and the command does not run again', async (_name, fault) => {
    const worker = await start({ stopVm: stopped });
    let failures = 0;
    plane.fault = (_method, path) => {
      if (!path.endsWith('/result') || failures === 1) return null;
      failures += 1;
      return fault;
    };
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    await emptied(worker);
    expect(failures).toBe(1);
    expect(trace).toEqual([`${id} stopped`]);
  });

  it('is sent by the next start when the agent was stopped meanwhile', async () => {
    plane.queueProxy.visibilitySeconds = 1;
    const first = await start({ stopVm: stopped });
    plane.fault = (_method, path) => (path.endsWith('/result') ? { status: 503 } : null);
    const id = await plane.give({ agentId: first.agentId, ...stopVm });
    await untilTrue('it was refused', () => plane.count(new RegExp(`${id}/result$`), 503) > 0);
    await first.stop();
    expect((await plane.command(id)).result).toBeNull();
    plane.fault = () => null;
    // No second message: the first one has to come back by itself.
    const second = await start({
      stopVm: async () => failure(errorRecord('FB-SITE-001', { replicationId: 'ran twice' })),
    });
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    await emptied(second);
    expect(trace).toEqual([`${id} stopped`]);
  });

  it('reaches a control plane that had not answered when the command was asked for', async () => {
    const worker = await start({ stopVm: stopped });
    let refusals = 0;
    plane.fault = (method) => {
      if (method !== 'GET' || refusals === 2) return null;
      refusals += 1;
      // 404 without a problem document: a host that has not loaded the app yet.
      return { status: refusals === 1 ? 404 : 502, body: 'Bad gateway' };
    };
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    expect(refusals).toBe(2);
  });
});

describe('commands that run', () => {
  it('are broken off when they were given up, and keep the result of whoever gave up', async () => {
    const worker = await start({ verifyBoot: async (_input, context) => forever(context) });
    const id = await plane.give({ agentId: worker.agentId, ...verifyBoot });
    await untilTrue('it runs', () => trace.length === 1);
    const given = failure(errorRecord('FB-AGENT-010', { command: 'verifyBoot' }));
    await plane.giveUp(id, given);
    const running = [...worker.runner.runningIds];
    const answer = await worker.client.heartbeat({ version: '1', runningCommandIds: running });
    expect(answer.cancelledCommandIds).toEqual([id]);
    for (const commandId of answer.cancelledCommandIds) worker.runner.cancel(commandId);
    await emptied(worker);
    expect(worker.runner.runningIds).toEqual([]);
    expect((await plane.command(id)).result).toEqual(given);
  });

  it('are not reported as failed when the agent itself stops, and run again after its start', async () => {
    plane.queueProxy.visibilitySeconds = 1;
    const first = await start({ verifyBoot: async (_input, context) => forever(context) });
    const id = await plane.give({ agentId: first.agentId, ...verifyBoot });
    await untilTrue('it runs', () => trace.length === 1);
    await first.stop();
    expect((await plane.command(id)).result).toBeNull();
    const value = { bootedAt: new Date(0).toISOString(), evidence: 'up', isBootSimulated: true };
    await start({ verifyBoot: async () => success(value) });
    expect(await plane.resultOf(id)).toEqual(success(value));
  });

  it('keep their result when they are done in the moment the agent stops', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const worker = await start({
      stopVm: async (_input, { commandId, signal }) => {
        trace.push(commandId);
        signal.addEventListener('abort', finish);
        await finished;
        return success({ wasRunning: true });
      },
    });
    plane.queueProxy.visibilitySeconds = 1;
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    await untilTrue('it runs', () => trace.length === 1);
    await worker.stop();
    await start({ stopVm: stopped });
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    expect(trace).toEqual([id]);
  });

  it('go one after the other within a replication and side by side otherwise', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const worker = await start({
      stopVm: async ({ replicationId }) => {
        trace.push(`${replicationId} begins`);
        if (replicationId === 'web-01') await released;
        trace.push(`${replicationId} ends`);
        return success({ wasRunning: true });
      },
      startVm: async ({ replicationId }) => {
        trace.push(`${replicationId} starts`);
        return success({ startedAt: new Date().toISOString(), isBootSimulated: true });
      },
    });
    const { agentId } = worker;
    await plane.give({ agentId, ...stopVm });
    await untilTrue('the first runs', () => trace.includes('web-01 begins'));
    const input = { replicationId: 'web-01' };
    const second = await plane.give({ agentId, name: 'startVm', input });
    await untilTrue('the second waits', () => worker.runner.runningIds.includes(second));
    const other = { replicationId: 'web-02', graceful: true };
    await plane.resultOf(await plane.give({ agentId, name: 'stopVm', input: other }));
    release();
    await plane.resultOf(second);
    expect(trace).toEqual([
      'web-01 begins',
      'web-02 begins',
      'web-02 ends',
      'web-01 ends',
      'web-01 starts',
    ]);
  });

  it('tell their progress at most once a second, and go on when it is not taken', async () => {
    const figures = { bytesTotal: 8, rangesDone: 0, rangesTotal: 1, sentBytes: 0, wireBytes: 0 };
    const worker = await start({
      verifyBoot: async (_input, context) => {
        for (let bytesDone = 0; bytesDone < 5; bytesDone += 1) {
          context.reportProgress({ ...figures, bytesDone, bytesPerSecond: 0 });
        }
        const bootedAt = new Date(0).toISOString();
        return success({ bootedAt, evidence: 'up', isBootSimulated: true });
      },
    });
    const id = await plane.give({ agentId: worker.agentId, ...verifyBoot });
    await plane.resultOf(id);
    await emptied(worker);
    expect(plane.count(new RegExp(`${id}/progress$`))).toBe(1);
    plane.fault = (_method, path) => (path.endsWith('/progress') ? { status: 503 } : null);
    const again = await plane.give({ agentId: worker.agentId, ...verifyBoot });
    expect(await plane.resultOf(again)).toMatchObject({ ok: true });
  });
});
