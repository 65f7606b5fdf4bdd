import { describe, expect, it } from '@jest/globals';
import { useHost, withKey } from './host-fixture.ts';

const host = useHost();

describe('POST /admin/functions/{name}', () => {
  it('starts timers and activities with the master key and answers at once', async () => {
    const { url, keys, idle } = await host.start();
    const run = async (name: string, body?: unknown, key = keys.master): Promise<number> =>
      (
        await fetch(`${url}/admin/functions/${name}`, {
          method: 'POST',
          body: body === undefined ? null : JSON.stringify(body),
          ...withKey(key),
        })
      ).status;
    expect(await run('tick')).toBe(202);
    expect(await run('ping', { input: '{"n":1}' })).toBe(202);
    await idle();
    expect(host.observed.ticks).toMatchObject([{ isPastDue: false }]);
    expect(host.observed.pings).toEqual([{ n: 1 }]);
    expect(await run('tick', undefined, keys.host['default'])).toBe(401);
    expect(await run('nothing')).toBe(404);
    expect(await run('echo', { input: '' })).toBe(400);
    expect(await run('wait', { input: '' })).toBe(400);
    expect(await run('ping', 'no object')).toBe(400);
    expect((await fetch(`${url}/admin/host/status`)).status).toBe(200);
  });
});
