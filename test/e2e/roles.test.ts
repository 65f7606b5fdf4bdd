import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadKeys } from '../../local/functions-host/http/keys.ts';
import type { JobView } from '../../shared/contracts/http-api.ts';
import type { ProblemDetails } from '../../shared/contracts/http/problem.ts';
import { TestLab } from '../support/lab/test-lab.ts';

const TEST_DEADLINE_MS = 120_000;
const VM = 'guarded';

interface Sent {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

describe('keys and roles in a lab, whose Resource Manager tells the names of the keys', () => {
  let testLab: TestLab;

  beforeAll(async () => {
    testLab = await TestLab.start();
    await testLab.seed(VM);
  }, TEST_DEADLINE_MS);

  afterAll(async () => testLab?.stop(), TEST_DEADLINE_MS);

  const keyOf = (name: 'reader' | 'operator' | 'committer'): string =>
    testLab.lab.functionKeyOf(name);

  async function send(method: string, path: string, sent: Sent = {}): Promise<Got> {
    const { key, headers = {}, body } = sent;
    const response = await fetch(`${testLab.lab.url}/api/${path}`, {
      method,
      headers: { ...(key === undefined ? {} : { 'x-functions-key': key }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
  }

  const refusal = ({ status, body }: Got): string => `${status} ${(body as ProblemDetails).code}`;

  it('lets a reader read and nothing else', async () => {
    const key = keyOf('reader');
    expect((await send('GET', `protected-items/${VM}`, { key })).status).toBe(200);
    const body = { protectedItemId: VM };
    expect(refusal(await send('POST', 'failbacks', { key, body }))).toBe('403 FB-REQ-021');
    expect(refusal(await send('DELETE', `protected-items/${VM}`, { key }))).toBe('403 FB-REQ-021');
    expect((await send('GET', `protected-items?code=${key}`)).status).toBe(200);
  });

  it('logs each refusal with the name of the key, never with the key', async () => {
    const { folder } = testLab.lab.options;
    const log = readFileSync(join(folder.path('logs'), 'functions-host.log'), 'utf8');
    expect(log).toMatch(/Refused at [^ ]+: key reader: POST \/api\/failbacks: FB-REQ-021/);
    for (const key of Object.values(loadKeys(folder.path('host')).host)) {
      expect(log.includes(key)).toBe(false);
    }
  });

  it('believes no sign-in that the platform did not write', async () => {
    const claims = [{ typ: 'roles', val: 'Failback.Committer' }];
    const forged = Buffer.from(JSON.stringify({ claims })).toString('base64');
    const headers = { 'x-ms-client-principal': forged };
    const path = `protected-items/${VM}`;
    expect((await send('DELETE', path, { headers })).status).toBe(401);
    const withKey = { headers, key: keyOf('reader') };
    expect(refusal(await send('DELETE', path, withKey))).toBe('403 FB-REQ-021');
  });

  it('lets an operator do what can be undone, once for each idempotency key', async () => {
    const key = keyOf('operator');
    const headers = { 'idempotency-key': 'e2e-1' };
    const start = { key, headers, body: { protectedItemId: VM } };
    const first = await send('POST', 'failbacks', start);
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([202, null]);
    const again = await send('POST', 'failbacks', start);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    const { id } = first.body as JobView;
    expect((again.body as JobView).id).toBe(id);
    const other = { key, headers, body: { protectedItemId: 'another' } };
    expect(refusal(await send('POST', 'failbacks', other))).toBe('422 FB-REQ-023');

    expect(refusal(await send('POST', `failbacks/${id}/commit`, { key }))).toBe('403 FB-REQ-021');
    // The committer may; only the job has not got so far.
    const committer = { key: keyOf('committer') };
    expect(refusal(await send('POST', `failbacks/${id}/commit`, committer))).toBe('409 FB-REQ-004');
    const stale = { key, headers: { 'if-match': '"0-0"' } };
    expect(refusal(await send('POST', `failbacks/${id}/cancel`, stale))).toBe('412 FB-REQ-008');
    expect((await send('POST', `failbacks/${id}/cancel`, { key })).status).toBe(202);
    const ended = await testLab.portal.ends(id);
    expect(ended.state).toBe('cancelled');
  });

  it('lets a committer let a machine go that is idle, by its ETag', async () => {
    const path = `protected-items/${VM}`;
    const key = keyOf('committer');
    const etag = (await send('GET', path, { key })).headers.get('etag') ?? '';
    const known = { key, headers: { 'if-none-match': etag } };
    expect(await send('GET', path, known)).toMatchObject({ status: 304, body: '' });
    const operator = { key: keyOf('operator'), headers: { 'if-match': etag } };
    expect(refusal(await send('DELETE', path, operator))).toBe('403 FB-REQ-021');
    const committer = { key, headers: { 'if-match': etag } };
    expect(await send('DELETE', path, committer)).toMatchObject({ status: 204, body: '' });
    expect((await send('GET', path, { key })).status).toBe(404);
  });

  it('tells everybody what the API is', async () => {
    const { status, headers, body } = await send('GET', 'openapi.json');
    expect([status, headers.get('x-api-version')]).toEqual([200, '2026-11-01']);
    expect(body).toMatchObject({ openapi: '3.1.0' });
  });
});
