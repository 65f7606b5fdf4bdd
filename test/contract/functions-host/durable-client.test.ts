import { describe, expect, it } from '@jest/globals';
import * as df from 'durable-functions';
import { useHost } from './host-fixture.ts';

const host = useHost();

describe('the durable client', () => {
  it('starts, asks, raises events and waits for the end', async () => {
    const { idle } = await host.start();
    expect(
      await host.asClient((c) => c.startNew('wait', { instanceId: 'w', input: { n: 1 } })),
    ).toEqual({ result: 'w' });
    await idle();
    expect(
      (await host.asClient((c) => c.getStatus('w', { showInput: true }))).result,
    ).toMatchObject({
      runtimeStatus: 'Running',
      input: { n: 1 },
    });
    await host.asClient((c) => c.raiseEvent('w', 'go', { ok: true }));
    await idle();
    expect((await host.asClient((c) => c.getStatus('w'))).result).toMatchObject({
      runtimeStatus: 'Completed',
      output: { ok: true },
    });
    expect(await host.asClient((c) => c.raiseEvent('w', 'go', 1))).toEqual({ result: null });
  });

  it('is told when an id is taken, when there is no such instance and when there is nothing to rewind', async () => {
    await host.start();
    await host.asClient((c) => c.startNew('wait', { instanceId: 'w' }));
    expect((await host.asClient((c) => c.startNew('wait', { instanceId: 'w' }))).error).toMatch(
      /already exists/,
    );
    expect((await host.asClient((c) => c.getStatus('none'))).error).toMatch(
      /404|not found|no instance/i,
    );
    expect((await host.asClient((c) => c.terminate('none', 'x'))).error).toMatch(
      /No instance with ID 'none'/,
    );
    expect((await host.asClient((c) => c.rewind('w', 'x'))).error).toMatch(
      /only supported on failed/i,
    );
    expect(
      (await host.asClient((c) => c.signalEntity(new df.EntityId('e', 'k'), 'op'))).error,
    ).toMatch(/501/);
  });

  it('replaces a running instance where host.json allows it', async () => {
    const { idle } = await host.start({
      hostJson: { extensions: { durableTask: { overridableExistingInstanceStates: 'AnyState' } } },
    });
    await host.asClient((c) => c.startNew('wait', { instanceId: 'w' }));
    await idle();
    await host.asClient((c) => c.startNew('pingOnce', { instanceId: 'w', input: 'again' }));
    await idle();
    expect((await host.asClient((c) => c.getStatus('w'))).result).toMatchObject({
      name: 'pingOnce',
      output: 'again',
    });
  });

  it('suspends, resumes, terminates, rewinds and purges', async () => {
    const { idle } = await host.start();
    const statusOf = async (id: string): Promise<unknown> =>
      ((await host.asClient((c) => c.getStatus(id))).result as { runtimeStatus: string })
        .runtimeStatus;
    await host.asClient((c) => c.startNew('wait', { instanceId: 'w' }));
    await idle();
    await host.asClient((c) => c.suspend('w', 'r'));
    expect(await statusOf('w')).toBe('Suspended');
    await host.asClient((c) => c.resume('w', 'r'));
    expect(await statusOf('w')).toBe('Running');
    await host.asClient((c) => c.terminate('w', 'enough of it'));
    expect((await host.asClient((c) => c.getStatus('w'))).result).toMatchObject({
      runtimeStatus: 'Terminated',
      output: 'enough of it',
    });
    await host.asClient((c) => c.startNew('fails', { instanceId: 'f' }));
    await idle();
    expect(await statusOf('f')).toBe('Failed');
    expect(await host.asClient((c) => c.rewind('f', 'r'))).toEqual({ result: null });
    await idle();
    expect((await host.asClient((c) => c.purgeInstanceHistory('w'))).result).toEqual({
      instancesDeleted: 1,
    });
    expect((await host.asClient((c) => c.purgeInstanceHistory('w'))).result).toEqual({
      instancesDeleted: 0,
    });
    const everything = {
      createdTimeFrom: new Date(0),
      createdTimeTo: new Date('2030-01-01'),
      runtimeStatus: [df.OrchestrationRuntimeStatus.Failed],
    };
    expect((await host.asClient((c) => c.purgeInstanceHistoryBy(everything))).result).toEqual({
      instancesDeleted: 1,
    });
  });

  it('gets every page of a long list, and only what it asked for', async () => {
    const { durable, idle } = await host.start({ silent: true });
    for (let index = 0; index < 230; index += 1) durable.start('wait', `w${index}`, null);
    durable.start('pingOnce', 'p', '1');
    await idle();
    expect(((await host.asClient((c) => c.getStatusAll())).result as unknown[]).length).toBe(231);
    const running = (
      await host.asClient((c) =>
        c.getStatusBy({ runtimeStatus: [df.OrchestrationRuntimeStatus.Completed] }),
      )
    ).result;
    expect(running).toMatchObject([{ instanceId: 'p' }]);
  });

  it('hands out URLs that work outside, guarded by the system key', async () => {
    const { url, idle, keys } = await host.start();
    const { result } = await host.asClient(async (c, request) => {
      const id = await c.startNew('wait', { instanceId: 'w' });
      return c.createCheckStatusResponse(request, id).headers.get('location');
    });
    await idle();
    const location = new URL(String(result));
    expect(location.origin).toBe(url);
    const answer = await fetch(location);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([202, '5']);
    location.searchParams.set('code', keys.host['default'] ?? '');
    expect((await fetch(location)).status).toBe(401);
  });
});
