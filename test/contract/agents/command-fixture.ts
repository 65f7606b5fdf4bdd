import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { CommandContext, CommandHandlers } from '../../../agents/runtime/types.ts';
import { success } from '../../../shared/errors/result.ts';
import { ControlPlane } from '../../support/control-plane/control-plane.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { startWorker, type Worker } from '../../support/control-plane/worker.ts';

export const stopVm = {
  name: 'stopVm',
  input: { replicationId: 'web-01', graceful: true },
} as const;
export const verifyBoot = {
  name: 'verifyBoot',
  input: { replicationId: 'web-01', timeoutSeconds: 60 },
} as const;

export interface CommandFixture {
  plane: ControlPlane;
  /** What happened in this test, in order: `<command id> <what>`. */
  trace: string[];
  /** An agent of this test; started again it is the same one, with the same journal. */
  start: (handlers: CommandHandlers) => Promise<Worker>;
  /** Resolves when no message of the agent is left, seen or unseen. */
  emptied: (worker: Worker) => Promise<void>;
  /** A handler of `stopVm` that is done at once. */
  stopped: NonNullable<CommandHandlers['stopVm']>;
  /** The work of a handler that runs until it is broken off. */
  forever: (context: CommandContext) => Promise<never>;
}

/** Starts a control plane before the tests of the file it is called in; each test has an agent of its own. */
export function useCommands(): CommandFixture {
  const fixture = {} as CommandFixture;
  let folder = '';
  let workers: Worker[] = [];
  let workerCount = 0;
  beforeAll(async () => {
    fixture.plane = await ControlPlane.start();
  });
  afterAll(async () => fixture.plane.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'commands-'));
    workers = [];
    fixture.trace = [];
    workerCount += 1;
  });
  afterEach(async () => {
    fixture.plane.fault = () => null;
    fixture.plane.queueProxy.visibilitySeconds = null;
    await Promise.all(workers.map((worker) => worker.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  fixture.start = async (handlers) => {
    const name = `worker-${workerCount}`;
    const { plane } = fixture;
    const worker = await startWorker({ controlPlane: plane, dataFolder: folder, handlers, name });
    workers.push(worker);
    return worker;
  };
  fixture.emptied = async ({ agentId }) =>
    untilTrue('the queue is empty', async () => (await fixture.plane.messageCount(agentId)) === 0);
  fixture.stopped = async (_input, { commandId }) => {
    fixture.trace.push(`${commandId} stopped`);
    return success({ wasRunning: true });
  };
  fixture.forever = async ({ commandId, signal }) => {
    fixture.trace.push(`${commandId} began`);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('broken off')));
    });
  };
  return fixture;
}
