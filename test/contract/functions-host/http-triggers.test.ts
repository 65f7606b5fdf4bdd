import { describe, expect, it } from '@jest/globals';
import { useHost, withKey } from './host-fixture.ts';

const host = useHost();

describe('HTTP triggers', () => {
  it('gives route parameters, query and body to the function, and the key as the real host does', async () => {
    const { url, keys } = await host.start();
    const key = keys.host['default'];
    const response = await fetch(`${url}/api/items/a%20b?x=1&code=${key}`, {
      method: 'POST',
      body: 'hello',
      headers: { 'x-functions-key': key ?? '' },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-test')).toBe('yes');
    expect(await response.json()).toEqual({
      params: { id: 'a b' },
      query: { x: '1', code: key },
      body: 'hello',
    });
    expect(host.observed.seen?.headers.get('x-functions-key')).toBe(key);
  });

  it('sends each cookie in a header of its own', async () => {
    const { url, keys } = await host.start();
    const response = await fetch(`${url}/api/items/1`, withKey(keys.host['default']));
    expect(response.headers.getSetCookie()).toEqual([
      'a=1; Path=/; HttpOnly; SameSite=Strict',
      'b=2; Expires=Mon, 02 Nov 2026 00:00:00 GMT; Max-Age=60',
    ]);
  });

  it('prefers fixed segments, fills optional and catch-all parameters', async () => {
    const { url, keys } = await host.start();
    expect(await (await fetch(`${url}/api/items/fixed`)).text()).toBe('fixed');
    const optional = await fetch(`${url}/api/items/1/two`, withKey(keys.host['default']));
    expect(await optional.json()).toMatchObject({ params: { id: '1', part: 'two' } });
    expect(await (await fetch(`${url}/api/files/a/b/c`)).text()).toBe('a/b/c');
  });

  it('answers 404 for unknown paths, 405 for other methods, 400 for a broken percent sign', async () => {
    const { url } = await host.start();
    expect((await fetch(`${url}/api/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/items/fixed`)).status).toBe(404);
    expect((await fetch(`${url}/api/items/1`, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${url}/api/files/%zz`)).status).toBe(400);
  });

  it('takes the route prefix from host.json', async () => {
    const { url } = await host.start({ hostJson: { extensions: { http: { routePrefix: 'v1' } } } });
    expect((await fetch(`${url}/v1/items/fixed`)).status).toBe(200);
    expect((await fetch(`${url}/api/items/fixed`)).status).toBe(404);
  });

  it('answers 500 without details when a function throws, and logs why', async () => {
    const { url } = await host.start();
    const response = await fetch(`${url}/api/broken`);
    expect([response.status, await response.text()]).toEqual([500, '']);
    expect(host.lines.join('\n')).toContain('broken threw: Error: broken with');
  });

  it('answers 413 to a body over the limit, also when it is still being sent', async () => {
    const { url, keys } = await host.start({
      settings: { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '100000' },
    });
    const post = async (lengthBytes: number): Promise<Response> =>
      fetch(`${url}/api/items/1`, {
        method: 'POST',
        body: Buffer.alloc(lengthBytes, 'x'),
        ...withKey(keys.host['default']),
      });
    expect((await post(100_000)).status).toBe(201);
    expect((await post(8_000_000)).status).toBe(413);
  });
});
