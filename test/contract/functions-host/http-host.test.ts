import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { app, type HttpRequest, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import * as core from '../../../local/functions-host/core-module.ts';
import {
  type FunctionsHost,
  startFunctionsHost,
} from '../../../local/functions-host/create-host.ts';
import { VirtualClock } from '../../../local/functions-host/support/clock.ts';
import { type HostLogger, silentLogger } from '../../../local/functions-host/support/logger.ts';
import { countingRandom } from '../../../local/functions-host/support/random.ts';

const executorModule = jest.requireActual(
  'durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor',
);

const client = df.input.durableClient();
let seen: { request: HttpRequest; context: InvocationContext } | undefined;
let useClient: (client: df.DurableClient, request: HttpRequest) => Promise<unknown> = async () =>
  null;
let ticks: unknown[] = [];
let tickFails = false;
let pings: unknown[] = [];

app.http('echo', {
  methods: ['GET', 'POST'],
  route: 'items/{id}/{part?}',
  authLevel: 'function',
  handler: async (request, context) => {
    seen = { request, context };
    const body = request.method === 'POST' ? await request.text() : null;
    return {
      status: 201,
      headers: { 'x-test': 'yes' },
      cookies: [
        { name: 'a', value: '1', path: '/', httpOnly: true, sameSite: 'Strict' },
        { name: 'b', value: '2', maxAge: 60, expires: new Date('2026-11-02T00:00:00Z') },
      ],
      jsonBody: { params: request.params, query: Object.fromEntries(request.query), body },
    };
  },
});
app.http('fixed', {
  methods: ['GET'],
  route: 'items/fixed',
  authLevel: 'anonymous',
  handler: () => ({ body: 'fixed' }),
});
app.http('rest', {
  methods: ['GET'],
  route: 'files/{*path}',
  authLevel: 'anonymous',
  handler: (request) => ({ body: request.params['path'] ?? '' }),
});
app.http('admin', {
  methods: ['GET'],
  route: 'secure',
  authLevel: 'admin',
  handler: () => ({ body: 'in' }),
});
app.http('broken', {
  methods: ['GET'],
  route: 'broken',
  authLevel: 'anonymous',
  handler: () => {
    throw new Error('broken with ?sig=abcdef');
  },
});
app.http('durable', {
  methods: ['POST'],
  route: 'durable',
  authLevel: 'anonymous',
  extraInputs: [client],
  handler: async (request, context) => {
    try {
      return { jsonBody: { result: (await useClient(df.getClient(context), request)) ?? null } };
    } catch (error) {
      return { jsonBody: { error: String(error) } };
    }
  },
});
app.timer('tick', {
  schedule: '%TICK_SCHEDULE%',
  handler: (timer) => {
    ticks.push(timer);
    if (tickFails) throw new Error('tick failed');
  },
});
df.app.activity('ping', {
  handler: (input: unknown) => {
    pings.push(input);
    return input;
  },
});
df.app.orchestration('pingOnce', function* (context) {
  return (yield context.df.callActivity('ping', context.df.getInput())) as unknown;
});
df.app.orchestration('wait', function* (context) {
  return (yield context.df.waitForExternalEvent('go')) as unknown;
});
df.app.orchestration('fails', function* (context) {
  yield context.df.callActivity('ping', 'fails');
  throw new Error('on purpose');
});

let folder = '';
let host: FunctionsHost | undefined;
let clock: VirtualClock;
let lines: string[] = [];
const logger: HostLogger = { log: (level, message) => lines.push(`${level} ${message}`) };

interface Overrides {
  readonly settings?: Record<string, string>;
  readonly hostJson?: unknown;
  readonly silent?: boolean;
}

async function startHost({
  settings = {},
  hostJson,
  silent = false,
}: Overrides = {}): Promise<FunctionsHost> {
  host = await startFunctionsHost({
    app: core.registeredApp(),
    executorModule,
    dataFolder: folder,
    port: 0,
    hostJson,
    clock,
    random: countingRandom(),
    logger: silent ? silentLogger : logger,
    settings: { TICK_SCHEDULE: '0 */15 * * * *', ...settings },
  });
  process.env['WEBSITE_HOSTNAME'] = new URL(host.url).host;
  return host;
}

async function stopHost(): Promise<void> {
  await host?.stop();
  host = undefined;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'functions-host-'));
  clock = new VirtualClock(new Date('2026-11-01T00:00:00Z'));
  lines = [];
  ticks = [];
  pings = [];
  tickFails = false;
  seen = undefined;
});

afterEach(async () => {
  await stopHost();
  rmSync(folder, { recursive: true, force: true });
});

afterAll(() => {
  delete process.env['WEBSITE_HOSTNAME'];
});

const withKey = (key: string | undefined): RequestInit => ({
  headers: { 'x-functions-key': key ?? '' },
});

describe('HTTP triggers', () => {
  it('gives route parameters, query and body to the function, and the key as the real host does', async () => {
    const { url, keys } = await startHost();
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
    expect(seen?.request.headers.get('x-functions-key')).toBe(key);
  });

  it('sends each cookie in a header of its own', async () => {
    const { url, keys } = await startHost();
    const response = await fetch(`${url}/api/items/1`, withKey(keys.host['default']));
    expect(response.headers.getSetCookie()).toEqual([
      'a=1; Path=/; HttpOnly; SameSite=Strict',
      'b=2; Expires=Mon, 02 Nov 2026 00:00:00 GMT; Max-Age=60',
    ]);
  });

  it('prefers fixed segments, fills optional and catch-all parameters', async () => {
    const { url, keys } = await startHost();
    expect(await (await fetch(`${url}/api/items/fixed`)).text()).toBe('fixed');
    const optional = await fetch(`${url}/api/items/1/two`, withKey(keys.host['default']));
    expect(await optional.json()).toMatchObject({ params: { id: '1', part: 'two' } });
    expect(await (await fetch(`${url}/api/files/a/b/c`)).text()).toBe('a/b/c');
  });

  it('answers 404 for unknown paths, 405 for other methods, 400 for a broken percent sign', async () => {
    const { url } = await startHost();
    expect((await fetch(`${url}/api/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/items/fixed`)).status).toBe(404);
    expect((await fetch(`${url}/api/items/1`, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${url}/api/files/%zz`)).status).toBe(400);
  });

  it('takes the route prefix from host.json', async () => {
    const { url } = await startHost({ hostJson: { extensions: { http: { routePrefix: 'v1' } } } });
    expect((await fetch(`${url}/v1/items/fixed`)).status).toBe(200);
    expect((await fetch(`${url}/api/items/fixed`)).status).toBe(404);
  });

  it('answers 500 without details when a function throws, and logs why', async () => {
    const { url } = await startHost();
    const response = await fetch(`${url}/api/broken`);
    expect([response.status, await response.text()]).toEqual([500, '']);
    expect(lines.join('\n')).toContain('broken threw: Error: broken with');
  });

  it('answers 413 to a body over the limit, also when it is still being sent', async () => {
    const { url, keys } = await startHost({
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

describe('keys', () => {
  it('are made at random on the first start, kept, and readable by their owner only', async () => {
    const first = (await startHost()).keys;
    const file = join(folder, 'keys.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await stopHost();
    expect((await startHost()).keys).toEqual(first);
  });

  it('open functions by level: none, any host or function key, the master key only', async () => {
    writeFileSync(
      join(folder, 'keys.json'),
      JSON.stringify({
        master: 'm',
        durable: 'd',
        host: { default: 'h1', operator: 'h2' },
        functions: { echo: { default: 'f1' }, rest: { other: 'f2' } },
      }),
    );
    const { url } = await startHost();
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

  it('refuse a data folder that another host uses', async () => {
    await startHost();
    const second = startFunctionsHost({
      app: core.registeredApp(),
      executorModule,
      dataFolder: folder,
      port: 0,
      settings: { TICK_SCHEDULE: '0 0 0 1 1 *' },
    });
    await expect(second).rejects.toThrow(
      /Another host uses .*durable\.sqlite\. Stop it, or choose another folder/,
    );
  });
});

describe('timer triggers', () => {
  const idle = async (): Promise<void> => host?.idle();

  it('run on their schedule, which comes from a setting', async () => {
    await startHost();
    await clock.advanceTo(new Date('2026-11-01T00:46:00Z'), idle);
    expect(ticks).toHaveLength(3);
    expect(ticks[2]).toMatchObject({
      isPastDue: false,
      scheduleStatus: { last: '2026-11-01T00:30:00.000Z' },
    });
  });

  it('make up for a run that was missed while the host was down, once and as past due', async () => {
    await startHost();
    await clock.advanceTo(new Date('2026-11-01T00:16:00Z'), idle);
    await stopHost();
    clock.moveTo(new Date('2026-11-01T02:01:00Z'));
    await startHost();
    await idle();
    expect(ticks).toHaveLength(2);
    expect(ticks[1]).toMatchObject({ isPastDue: true });
    await stopHost();
    await startHost();
    await idle();
    expect(ticks).toHaveLength(2);
  });

  it('go on after a run that throws', async () => {
    tickFails = true;
    await startHost();
    await clock.advanceTo(new Date('2026-11-01T00:31:00Z'), idle);
    expect(ticks).toHaveLength(2);
    expect(lines.join('\n')).toContain('error tick: Error: tick failed');
  });

  it('want the day of the month and the day of the week to fit both, as NCRONTAB does', async () => {
    await startHost({ settings: { TICK_SCHEDULE: '0 0 12 13 * 5' } });
    await clock.advanceTo(new Date('2026-12-31T00:00:00Z'), idle);
    expect(ticks).toHaveLength(1);
    expect(ticks[0]).toMatchObject({ scheduleStatus: { next: '2026-11-13T12:00:00.000Z' } });
  });

  it.each([
    [{ TICK_SCHEDULE: 'every day' }, /schedule "every day" of the timer tick is not valid/],
    [{ TICK_SCHEDULE: '%GONE%' }, /not valid/],
  ])('refuse %j when the host starts', async (settings, message) => {
    await expect(startHost({ settings })).rejects.toThrow(message);
  });
});

describe('POST /admin/functions/{name}', () => {
  it('starts timers and activities with the master key and answers at once', async () => {
    const { url, keys, idle } = await startHost();
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
    expect(ticks).toMatchObject([{ isPastDue: false }]);
    expect(pings).toEqual([{ n: 1 }]);
    expect(await run('tick', undefined, keys.host['default'])).toBe(401);
    expect(await run('nothing')).toBe(404);
    expect(await run('echo', { input: '' })).toBe(400);
    expect(await run('wait', { input: '' })).toBe(400);
    expect(await run('ping', 'no object')).toBe(400);
    expect((await fetch(`${url}/admin/host/status`)).status).toBe(200);
  });
});

/** Runs `use` inside a function with the client that the binding gives it. */
async function asClient(use: typeof useClient): Promise<{ result?: unknown; error?: string }> {
  useClient = use;
  const response = await fetch(`${host?.url}/api/durable`, { method: 'POST' });
  return (await response.json()) as { result?: unknown; error?: string };
}

describe('the durable client', () => {
  it('starts, asks, raises events and waits for the end', async () => {
    const { idle } = await startHost();
    expect(await asClient((c) => c.startNew('wait', { instanceId: 'w', input: { n: 1 } }))).toEqual(
      { result: 'w' },
    );
    await idle();
    expect((await asClient((c) => c.getStatus('w', { showInput: true }))).result).toMatchObject({
      runtimeStatus: 'Running',
      input: { n: 1 },
    });
    await asClient((c) => c.raiseEvent('w', 'go', { ok: true }));
    await idle();
    expect((await asClient((c) => c.getStatus('w'))).result).toMatchObject({
      runtimeStatus: 'Completed',
      output: { ok: true },
    });
    expect(await asClient((c) => c.raiseEvent('w', 'go', 1))).toEqual({ result: null });
  });

  it('is told when an id is taken, when there is no such instance and when there is nothing to rewind', async () => {
    await startHost();
    await asClient((c) => c.startNew('wait', { instanceId: 'w' }));
    expect((await asClient((c) => c.startNew('wait', { instanceId: 'w' }))).error).toMatch(
      /already exists/,
    );
    expect((await asClient((c) => c.getStatus('none'))).error).toMatch(
      /404|not found|no instance/i,
    );
    expect((await asClient((c) => c.terminate('none', 'x'))).error).toMatch(
      /No instance with ID 'none'/,
    );
    expect((await asClient((c) => c.rewind('w', 'x'))).error).toMatch(/only supported on failed/i);
    expect((await asClient((c) => c.signalEntity(new df.EntityId('e', 'k'), 'op'))).error).toMatch(
      /501/,
    );
  });

  it('replaces a running instance where host.json allows it', async () => {
    const { idle } = await startHost({
      hostJson: { extensions: { durableTask: { overridableExistingInstanceStates: 'AnyState' } } },
    });
    await asClient((c) => c.startNew('wait', { instanceId: 'w' }));
    await idle();
    await asClient((c) => c.startNew('pingOnce', { instanceId: 'w', input: 'again' }));
    await idle();
    expect((await asClient((c) => c.getStatus('w'))).result).toMatchObject({
      name: 'pingOnce',
      output: 'again',
    });
  });

  it('suspends, resumes, terminates, rewinds and purges', async () => {
    const { idle } = await startHost();
    const statusOf = async (id: string): Promise<unknown> =>
      ((await asClient((c) => c.getStatus(id))).result as { runtimeStatus: string }).runtimeStatus;
    await asClient((c) => c.startNew('wait', { instanceId: 'w' }));
    await idle();
    await asClient((c) => c.suspend('w', 'r'));
    expect(await statusOf('w')).toBe('Suspended');
    await asClient((c) => c.resume('w', 'r'));
    expect(await statusOf('w')).toBe('Running');
    await asClient((c) => c.terminate('w', 'enough of it'));
    expect((await asClient((c) => c.getStatus('w'))).result).toMatchObject({
      runtimeStatus: 'Terminated',
      output: 'enough of it',
    });
    await asClient((c) => c.startNew('fails', { instanceId: 'f' }));
    await idle();
    expect(await statusOf('f')).toBe('Failed');
    expect(await asClient((c) => c.rewind('f', 'r'))).toEqual({ result: null });
    await idle();
    expect((await asClient((c) => c.purgeInstanceHistory('w'))).result).toEqual({
      instancesDeleted: 1,
    });
    expect((await asClient((c) => c.purgeInstanceHistory('w'))).result).toEqual({
      instancesDeleted: 0,
    });
    const everything = {
      createdTimeFrom: new Date(0),
      createdTimeTo: new Date('2030-01-01'),
      runtimeStatus: [df.OrchestrationRuntimeStatus.Failed],
    };
    expect((await asClient((c) => c.purgeInstanceHistoryBy(everything))).result).toEqual({
      instancesDeleted: 1,
    });
  });

  it('gets every page of a long list, and only what it asked for', async () => {
    const { durable, idle } = await startHost({ silent: true });
    for (let index = 0; index < 230; index += 1) durable.start('wait', `w${index}`, null);
    durable.start('pingOnce', 'p', '1');
    await idle();
    expect(((await asClient((c) => c.getStatusAll())).result as unknown[]).length).toBe(231);
    const running = (
      await asClient((c) =>
        c.getStatusBy({ runtimeStatus: [df.OrchestrationRuntimeStatus.Completed] }),
      )
    ).result;
    expect(running).toMatchObject([{ instanceId: 'p' }]);
  });

  it('hands out URLs that work outside, guarded by the system key', async () => {
    const { url, idle, keys } = await startHost();
    const { result } = await asClient(async (c, request) => {
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

describe('the durable web hooks', () => {
  it('start with the management URLs, restart, and say Failed with 500 only when asked to', async () => {
    const { url, keys, idle } = await startHost();
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
    const { url, keys, idle } = await startHost();
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
    const { url, keys, durable, idle } = await startHost();
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

describe('hooks of the app', () => {
  it('see each invocation and may change its input and its result', async () => {
    const before = app.hook.preInvocation((context) => {
      if (context.invocationContext.functionName === 'ping') context.inputs = ['changed'];
    });
    const after = app.hook.postInvocation((context) => {
      if (context.invocationContext.functionName === 'ping')
        context.result = `${String(context.result)} twice`;
    });
    try {
      const { durable, idle } = await startHost();
      durable.start('pingOnce', 'p', '"given"');
      await idle();
      expect(durable.status('p')).toMatchObject({ output: 'changed twice' });
    } finally {
      before.dispose();
      after.dispose();
    }
  });
});

describe('keys.json and the logs', () => {
  it('keeps keys out of the logs', async () => {
    const { url, keys } = await startHost();
    await fetch(`${url}/api/broken?code=${keys.master}`);
    await fetch(`${url}/api/items/1?code=${keys.host['default']}`);
    expect(readFileSync(join(folder, 'keys.json'), 'utf8')).toContain(keys.master);
    expect(lines.join('\n')).not.toContain(keys.master);
    expect(lines.join('\n')).not.toContain(keys.host['default']);
  });
});
