import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { useHost, withKey } from './host-fixture.ts';

const host = useHost();

describe('keys', () => {
  it('are made at random on the first start, kept, and readable by their owner only', async () => {
    const first = (await host.start()).keys;
    const file = join(host.folder, 'keys.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await host.stop();
    expect((await host.start()).keys).toEqual(first);
  });

  it('open functions by level: none, any host or function key, the master key only', async () => {
    writeFileSync(
      join(host.folder, 'keys.json'),
      JSON.stringify({
        master: 'm',
        durable: 'd',
        host: { default: 'h1', operator: 'h2' },
        functions: { echo: { default: 'f1' }, rest: { other: 'f2' } },
      }),
    );
    const { url } = await host.start();
    const status = async (path: string, key: string): Promise<number> =>
      (await fetch(url + path, withKey(key))).status;
    for (const key of ['h1', 'h2', 'f1', 'm'])
      expect([key, await status('/api/items/1', key)]).toEqual([key, 201]);
    for (const key of ['f2', 'd', 'wrong', ''])
      expect([key, await status('/api/items/1', key)]).toEqual([key, 401]);
    expect(await status('/api/secure', 'm')).toBe(200);
    for (const key of ['h1', 'f1', 'd', ''])
      expect([key, await status('/api/secure', key)]).toEqual([key, 401]);
    expect((await fetch(`${url}/api/items/1?code=h2`)).status).toBe(201);
  });
});

describe('keys.json and the logs', () => {
  it('keeps keys out of the logs', async () => {
    const { url, keys } = await host.start();
    await fetch(`${url}/api/broken?code=${keys.master}`);
    await fetch(`${url}/api/items/1?code=${keys.host['default']}`);
    expect(readFileSync(join(host.folder, 'keys.json'), 'utf8')).toContain(keys.master);
    expect(host.lines.join('\n')).not.toContain(keys.master);
    expect(host.lines.join('\n')).not.toContain(keys.host['default']);
  });
});
