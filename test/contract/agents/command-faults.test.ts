import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandContext, CommandHandlers } from '../../../agents/runtime/types.ts';
import type { CommandName } from '../../../shared/contracts/commands.ts';
import { type ErrorRecord, errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { ControlPlane } from '../../support/control-plane/control-plane.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { startWorker, type Worker } from '../../support/control-plane/worker.ts';

let plane: ControlPlane;
let folder: string;
let workers: Worker[];
let workerCount = 0;
let trace: string[];

beforeAll(async () => {
  plane = await ControlPlane.start();
});
afterAll(async () => plane.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'command-faults-'));
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

async function start(handlers: CommandHandlers): Promise<Worker> {
  const name = `faults-${workerCount}`;
  const worker = await startWorker({ controlPlane: plane, dataFolder: folder, handlers, name });
  workers.push(worker);
  return worker;
}

const stopVm = { name: 'stopVm', input: { replicationId: 'web-01', graceful: true } } as const;
const startVm = { name: 'startVm', input: { replicationId: 'web-01' } } as const;
const started = async () => {
  trace.push('startVm');
  return success({ startedAt: new Date().toISOString(), isBootSimulated: true });
};
const emptied = async (worker: Worker): Promise<void> =>
  untilTrue('the queue is empty', async () => (await plane.messageCount(worker.agentId)) === 0);

/** Runs until it is broken off. */
async function forever({ signal }: CommandContext): Promise<never> {
  trace.push('began');
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('broken off')));
  });
}

describe('a message whose lease was lost while its command runs', () => {
  const lost = (worker: Worker): boolean =>
    worker.lines.some((line) => line.includes('came again while its command runs'));

  it('is still there when the agent stops, and its command runs at the next start', async () => {
    plane.queueProxy.visibilitySeconds = 1;
    const first = await start({ stopVm: async (_input, context) => forever(context) });
    const id = await plane.give({ agentId: first.agentId, ...stopVm });
    await untilTrue('it comes again', () => lost(first));
    await first.stop();
    expect(await plane.messageCount(first.agentId)).toBe(1);
    expect(trace).toEqual(['began']);
    const second = await start({ stopVm: async () => success({ wasRunning: true }) });
    expect(await plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    await emptied(second);
  });

  it('is removed with the receipt that holds now when its command ends', async () => {
    plane.queueProxy.visibilitySeconds = 1;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const worker = await start({
      stopVm: async () => {
        trace.push('stopVm');
        await finished;
        return success({ wasRunning: true });
      },
    });
    await plane.give({ agentId: worker.agentId, ...stopVm });
    await untilTrue('it comes again', () => lost(worker));
    plane.queueProxy.visibilitySeconds = null;
    finish();
    await emptied(worker);
    expect(trace).toEqual(['stopVm']);
  });
});

describe('a command that waits for its turn', () => {
  /** One that runs until `release`, and one behind it. */
  async function waiting(deadlineAt?: string) {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const worker = await start({
      startVm: started,
      stopVm: async (_input, { signal }) => {
        trace.push('stopVm');
        signal.addEventListener('abort', release);
        await released;
        return success({ wasRunning: true });
      },
    });
    const { agentId } = worker;
    await plane.give({ agentId, ...stopVm });
    await untilTrue('the first runs', () => trace.length === 1);
    const deadline = deadlineAt === undefined ? {} : { deadlineAt };
    const id = await plane.give({ agentId, ...startVm, ...deadline });
    await untilTrue('the second is fetched', () => plane.count(new RegExp(`${id}$`), 200) === 1);
    await untilTrue('the second waits', () => worker.runner.runningIds.includes(id));
    return { worker, id, release };
  }

  it('is not run once it was given up', async () => {
    const { worker, id, release } = await waiting();
    const given = failure(errorRecord('FB-AGENT-010', { command: 'startVm' }));
    await plane.giveUp(id, given);
    worker.runner.cancel(id);
    release();
    await emptied(worker);
    expect(trace).toEqual(['stopVm']);
    expect(await plane.resultOf(id)).toEqual(given);
  });

  it('is not begun when the agent stops, and is left for its next start', async () => {
    plane.queueProxy.visibilitySeconds = 1;
    const { worker, id } = await waiting();
    await worker.stop();
    expect(trace).toEqual(['stopVm']);
    expect((await plane.command(id)).result).toBeNull();
    await start({ startVm: started, stopVm: async () => success({ wasRunning: false }) });
    expect(await plane.resultOf(id)).toMatchObject({ ok: true });
    expect(trace).toEqual(['stopVm', 'startVm']);
  });

  it('is refused when its deadline is over before its turn comes', async () => {
    const deadlineAt = new Date(Date.now() + 1500).toISOString();
    const { id, release } = await waiting(deadlineAt);
    await untilTrue('the deadline is over', () => Date.now() > Date.parse(deadlineAt));
    release();
    expect(await plane.resultOf(id)).toMatchObject({ error: { code: 'FB-AGENT-010' } });
    expect(trace).toEqual(['stopVm']);
  });
});

describe('what agent and control plane do not understand of each other', () => {
  it('is answered when it is a command that this agent does not know', async () => {
    const worker = await start({});
    const id = await plane.give({ agentId: 'elsewhere', ...stopVm });
    const record = (await plane.stores.commands.get(id))!;
    const name = 'defragment' as CommandName;
    const newer = { ...record.value, agentId: worker.agentId, name };
    await plane.stores.commands.replace(newer, record.etag);
    await plane.sendAgain(worker.agentId, id);
    const values = { command: 'defragment' };
    expect(await plane.resultOf(id)).toMatchObject({ error: { code: 'FB-AGENT-008', values } });
    await emptied(worker);
  });

  it('ends the command when it is a result that the control plane refuses', async () => {
    const wrong = { ok: true, value: { nonsense: 1 } } as never;
    const worker = await start({ stopVm: async () => wrong });
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await plane.resultOf(id)).toMatchObject({
      error: { code: 'FB-SITE-900', message: expect.stringContaining('wasRunning') },
    });
    await emptied(worker);
  });

  it('ends the command when it is an error that only the agent knows', async () => {
    const newer = {
      ...errorRecord('FB-SITE-002', { vmName: 'web-01' }),
      code: 'FB-SITE-899' as ErrorRecord['code'],
      message: 'The moon is full.',
    };
    const worker = await start({ stopVm: async () => failure(newer) });
    const id = await plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await plane.resultOf(id)).toMatchObject({
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
    await emptied(worker);
  });
});
