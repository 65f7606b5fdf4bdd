import { describe, expect, it } from '@jest/globals';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { stopVm, verifyBoot, useCommands } from './command-fixture.ts';

const fixture = useCommands();

describe('commands that run', () => {
  it('are broken off when they were given up, and keep the result of whoever gave up', async () => {
    const worker = await fixture.start({
      verifyBoot: async (_input, context) => fixture.forever(context),
    });
    const id = await fixture.plane.give({ agentId: worker.agentId, ...verifyBoot });
    await untilTrue('it runs', () => fixture.trace.length === 1);
    const given = failure(errorRecord('FB-AGENT-010', { command: 'verifyBoot' }));
    await fixture.plane.giveUp(id, given);
    const running = [...worker.runner.runningIds];
    const answer = await worker.client.heartbeat({ version: '1', runningCommandIds: running });
    expect(answer.cancelledCommandIds).toEqual([id]);
    for (const commandId of answer.cancelledCommandIds) worker.runner.cancel(commandId);
    await fixture.emptied(worker);
    expect(worker.runner.runningIds).toEqual([]);
    expect((await fixture.plane.command(id)).result).toEqual(given);
  });

  it('are not reported as failed when the agent itself stops, and run again after its start', async () => {
    fixture.plane.queueProxy.visibilitySeconds = 1;
    const first = await fixture.start({
      verifyBoot: async (_input, context) => fixture.forever(context),
    });
    const id = await fixture.plane.give({ agentId: first.agentId, ...verifyBoot });
    await untilTrue('it runs', () => fixture.trace.length === 1);
    await first.stop();
    expect((await fixture.plane.command(id)).result).toBeNull();
    const value = { bootedAt: new Date(0).toISOString(), evidence: 'up', isBootSimulated: true };
    await fixture.start({ verifyBoot: async () => success(value) });
    expect(await fixture.plane.resultOf(id)).toEqual(success(value));
  });

  it('keep their result when they are done in the moment the agent stops', async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const worker = await fixture.start({
      stopVm: async (_input, { commandId, signal }) => {
        fixture.trace.push(commandId);
        signal.addEventListener('abort', finish);
        await finished;
        return success({ wasRunning: true });
      },
    });
    fixture.plane.queueProxy.visibilitySeconds = 1;
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    await untilTrue('it runs', () => fixture.trace.length === 1);
    await worker.stop();
    await fixture.start({ stopVm: fixture.stopped });
    expect(await fixture.plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    expect(fixture.trace).toEqual([id]);
  });

  it('go one after the other within a replication and side by side otherwise', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const worker = await fixture.start({
      stopVm: async ({ replicationId }) => {
        fixture.trace.push(`${replicationId} begins`);
        if (replicationId === 'web-01') await released;
        fixture.trace.push(`${replicationId} ends`);
        return success({ wasRunning: true });
      },
      startVm: async ({ replicationId }) => {
        fixture.trace.push(`${replicationId} starts`);
        return success({ startedAt: new Date().toISOString(), isBootSimulated: true });
      },
    });
    const { agentId } = worker;
    await fixture.plane.give({ agentId, ...stopVm });
    await untilTrue('the first runs', () => fixture.trace.includes('web-01 begins'));
    const input = { replicationId: 'web-01' };
    const second = await fixture.plane.give({ agentId, name: 'startVm', input });
    await untilTrue('the second waits', () => worker.runner.runningIds.includes(second));
    const other = { replicationId: 'web-02', graceful: true };
    await fixture.plane.resultOf(
      await fixture.plane.give({ agentId, name: 'stopVm', input: other }),
    );
    release();
    await fixture.plane.resultOf(second);
    expect(fixture.trace).toEqual([
      'web-01 begins',
      'web-02 begins',
      'web-02 ends',
      'web-01 ends',
      'web-01 starts',
    ]);
  });

  it('that are of no replication wait for none but those about the same VM', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const worker = await fixture.start({
      removeSnapshots: async ({ vmName }) => {
        fixture.trace.push(`${vmName} begins`);
        if (vmName === 'large') await released;
        fixture.trace.push(`${vmName} ends`);
        return success({ removedCount: 1 });
      },
      describeSite: async ({ vmName }) => {
        fixture.trace.push(`${vmName} is described`);
        return failure(errorRecord('FB-SITE-011', { vmName, places: '' }));
      },
    });
    const { agentId } = worker;
    const give = async (
      name: 'removeSnapshots' | 'describeSite',
      vmName: string,
    ): Promise<string> => fixture.plane.give({ agentId, name, input: { vmName } });
    await give('removeSnapshots', 'large');
    await untilTrue('the first runs', () => fixture.trace.includes('large begins'));
    const second = await give('removeSnapshots', 'large');
    await fixture.plane.resultOf(await give('describeSite', 'large'));
    await fixture.plane.resultOf(await give('removeSnapshots', 'small'));
    release();
    await fixture.plane.resultOf(second);
    expect(fixture.trace).toEqual([
      'large begins',
      'large is described',
      'small begins',
      'small ends',
      'large ends',
      'large begins',
      'large ends',
    ]);
  });

  it('tell their progress at most once a second, and go on when it is not taken', async () => {
    const figures = { bytesTotal: 8, rangesDone: 0, rangesTotal: 1, sentBytes: 0, wireBytes: 0 };
    const worker = await fixture.start({
      verifyBoot: async (_input, context) => {
        for (let bytesDone = 0; bytesDone < 5; bytesDone += 1) {
          context.reportProgress({ ...figures, bytesDone, bytesPerSecond: 0 });
        }
        const bootedAt = new Date(0).toISOString();
        return success({ bootedAt, evidence: 'up', isBootSimulated: true });
      },
    });
    const id = await fixture.plane.give({ agentId: worker.agentId, ...verifyBoot });
    await fixture.plane.resultOf(id);
    await fixture.emptied(worker);
    expect(fixture.plane.count(new RegExp(`${id}/progress$`))).toBe(1);
    fixture.plane.fault = (_method, path) => (path.endsWith('/progress') ? { status: 503 } : null);
    const again = await fixture.plane.give({ agentId: worker.agentId, ...verifyBoot });
    expect(await fixture.plane.resultOf(again)).toMatchObject({ ok: true });
  });
});
