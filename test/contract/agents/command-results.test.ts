import { describe, expect, it } from '@jest/globals';
import { errorRecord, FailbackError } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { stopVm, useCommands } from './command-fixture.ts';

const fixture = useCommands();

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
    const worker = await fixture.start({
      stopVm: async () => {
        // A library may throw what is no error.
        throw thrown as Error;
      },
    });
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await fixture.plane.resultOf(id)).toMatchObject({ ok: false, error });
    expect(worker.lines.join('\n')).not.toContain('SECRET');
  });
});

describe('a result that does not get through', () => {
  it.each([
    ['the control plane is overloaded', { status: 503 } as const],
    ['the connection is cut before it arrives', 'cutBefore' as const],
    ['the connection is cut before the answer', 'cutAfter' as const],
  ])('is sent again when %s, and the command does not run again', async (_name, fault) => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    let failures = 0;
    fixture.plane.fault = (_method, path) => {
      if (!path.endsWith('/result') || failures === 1) return null;
      failures += 1;
      return fault;
    };
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await fixture.plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    await fixture.emptied(worker);
    expect(failures).toBe(1);
    expect(fixture.trace).toEqual([`${id} stopped`]);
  });

  it('is sent by the next start when the agent was stopped meanwhile', async () => {
    fixture.plane.queueProxy.visibilitySeconds = 1;
    const first = await fixture.start({ stopVm: fixture.stopped });
    fixture.plane.fault = (_method, path) => (path.endsWith('/result') ? { status: 503 } : null);
    const id = await fixture.plane.give({ agentId: first.agentId, ...stopVm });
    await untilTrue(
      'it was refused',
      () => fixture.plane.count(new RegExp(`${id}/result$`), 503) > 0,
    );
    await first.stop();
    expect((await fixture.plane.command(id)).result).toBeNull();
    fixture.plane.fault = () => null;
    // No second message: the first one has to come back by itself.
    const second = await fixture.start({
      stopVm: async () => failure(errorRecord('FB-SITE-001', { replicationId: 'ran twice' })),
    });
    expect(await fixture.plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    await fixture.emptied(second);
    expect(fixture.trace).toEqual([`${id} stopped`]);
  });

  it('reaches a control plane that had not answered when the command was asked for', async () => {
    const worker = await fixture.start({ stopVm: fixture.stopped });
    let refusals = 0;
    fixture.plane.fault = (method) => {
      if (method !== 'GET' || refusals === 2) return null;
      refusals += 1;
      // 404 without a problem document: a host that has not loaded the app yet.
      return { status: refusals === 1 ? 404 : 502, body: 'Bad gateway' };
    };
    const id = await fixture.plane.give({ agentId: worker.agentId, ...stopVm });
    expect(await fixture.plane.resultOf(id)).toEqual(success({ wasRunning: true }));
    expect(refusals).toBe(2);
  });
});
