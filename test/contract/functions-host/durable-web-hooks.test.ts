import { describe, expect, it } from '@jest/globals';
import { useHost, withKey } from './host-fixture.ts';

const host = useHost();

describe('the durable web hooks', () => {
  it('start with the management URLs, restart, and say Failed with 500 only when asked to', async () => {
    const { url, keys, idle } = await host.start();
    const hook = async (method: string, path: string, body?: string): Promise<Response> =>
      fetch(`${url}/runtime/webhooks/durabletask/${path}`, {
        method,
        ...withKey(keys.durable),
        ...(body === undefined ? {} : { body }),
      });
    const started = await hook('POST', 'orchestrators/fails/f', '{"a":1}');
    const payload = (await started.json()) as Record<string, string>;
    expect([started.status, payload['id'], started.headers.get('location')]).toEqual([
      202,
      'f',
      payload['statusQueryGetUri'],
    ]);
    await idle();
    expect((await fetch(payload['statusQueryGetUri'] ?? '')).status).toBe(200);
    expect((await hook('GET', 'instances/f?returnInternalServerErrorOnFailure=true')).status).toBe(
      500,
    );
    const restarted = (await (await hook('POST', 'instances/f/restart')).json()) as { id: string };
    expect(restarted.id).not.toBe('f');
    await idle();
    const again = (await (
      await hook('GET', `instances/${restarted.id}?showHistory=true`)
    ).json()) as { historyEvents: unknown[] };
    expect(again).toMatchObject({ name: 'fails', input: { a: 1 }, runtimeStatus: 'Failed' });
    expect(again.historyEvents.length).toBeGreaterThan(3);
  });

  it('answer what is wrong with 400, 404, 405, 410, 412 and 501', async () => {
    const { url, keys, idle } = await host.start();
    const status = async (method: string, path: string, body?: string): Promise<number> =>
      (
        await fetch(`${url}/runtime/webhooks/durabletask/${path}`, {
          method,
          ...withKey(keys.durable),
          ...(body === undefined ? {} : { body }),
        })
      ).status;
    expect(await status('POST', 'orchestrators/wait/w', '{broken')).toBe(400);
    expect(await status('POST', 'orchestrators/pingOnce/p', '1')).toBe(202);
    await idle();
    expect(await status('POST', 'instances/p/raiseEvent/go', '1')).toBe(410);
    expect(await status('POST', 'instances/p/terminate?reason=x')).toBe(410);
    expect(await status('POST', 'instances/p/rewind?reason=x')).toBe(412);
    expect(await status('POST', 'instances/none/raiseEvent/go', '1')).toBe(404);
    expect(await status('GET', 'instances/none')).toBe(404);
    expect(await status('DELETE', 'instances/none')).toBe(404);
    expect(await status('PUT', 'instances/p')).toBe(405);
    expect(await status('GET', 'entities/e/k')).toBe(501);
    expect(await status('GET', 'elsewhere')).toBe(404);
  });

  it('page through instances while some are purged', async () => {
    const { url, keys, durable, idle } = await host.start();
    for (const id of ['a1', 'a2', 'a3', 'b1']) durable.start('pingOnce', id, '1');
    await idle();
    const first = await fetch(
      `${url}/runtime/webhooks/durabletask/instances?top=2&instanceIdPrefix=a`,
      withKey(keys.durable),
    );
    const token = first.headers.get('x-ms-continuation-token') ?? '';
    expect(await first.json()).toMatchObject([{ instanceId: 'a1' }, { instanceId: 'a2' }]);
    durable.purge(({ id }) => id === 'a1');
    const headers = { 'x-functions-key': keys.durable, 'x-ms-continuation-token': token };
    const second = await fetch(
      `${url}/runtime/webhooks/durabletask/instances?top=2&instanceIdPrefix=a`,
      { headers },
    );
    expect(await second.json()).toMatchObject([{ instanceId: 'a3' }]);
    expect(second.headers.get('x-ms-continuation-token')).toBeNull();
  });
});
