import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLabCertificates } from '../../../local/tls/create-certificate.ts';
import { SignedWebhooks } from '../../../shared/adapters/https/signed-webhooks.ts';
import { Secret } from '../../../shared/domain/secret.ts';

interface Received {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const NOW = new Date('2026-03-01T12:00:00.000Z');
const SECRET = 'a secret of the tests';
let server: Server;
let url: string;
let ca: string;
let received: Received[];
let answer: { status: number; headers?: Record<string, string>; body?: string } | 'silence';

beforeEach(async () => {
  const lab = await createLabCertificates();
  ca = lab.caPem;
  received = [];
  answer = { status: 200, body: 'ok' };
  server = createServer(
    { key: lab.server.keyPem, cert: lab.server.certificatePem },
    (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        if (answer === 'silence') return;
        response.writeHead(answer.status, answer.headers).end(answer.body);
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

const webhooks = (trusted: string | undefined = ca): SignedWebhooks =>
  new SignedWebhooks(new Map([['dns', new Secret(SECRET)]]), { now: () => NOW }, trusted);
const request = (changes: object = {}) => ({
  url,
  secretName: 'dns',
  idempotencyKey: 'pr-1-dns',
  body: '{"zone":"köln"}',
  timeoutMs: 10_000,
  ...changes,
});

describe('a signed webhook', () => {
  it('carries a signature that the receiver can check, and its idempotency key', async () => {
    expect(await webhooks().deliver(request())).toEqual({ status: 200, detail: 'ok' });
    const [{ headers, body }] = received as [Received];
    const seconds = NOW.getTime() / 1000;
    const expected = createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex');
    expect(headers['x-failback-signature']).toBe(`t=${seconds},v1=${expected}`);
    expect(headers['idempotency-key']).toBe('pr-1-dns');
    expect(body).toBe('{"zone":"köln"}');
  });

  it('does not follow a redirect, which would carry the signed body to somebody else', async () => {
    answer = { status: 307, headers: { location: url } };
    expect((await webhooks().deliver(request())).status).toBe(307);
    expect(received).toHaveLength(1);
  });

  it('is not sent to whoever has a certificate that nobody trusts', async () => {
    const untrusting = new SignedWebhooks(new Map([['dns', new Secret(SECRET)]]), {
      now: () => NOW,
    });
    expect((await untrusting.deliver(request())).status).toBeNull();
    expect(received).toEqual([]);
  });

  it('is given up when the receiver does not answer in time', async () => {
    answer = 'silence';
    const { status, detail } = await webhooks().deliver(request({ timeoutMs: 300 }));
    expect(status).toBeNull();
    expect(detail).not.toBe('');
  });

  it('is not sent without TLS', async () => {
    const plain = url.replace('https', 'http');
    expect(await webhooks().deliver(request({ url: plain }))).toMatchObject({ status: null });
    expect(received).toEqual([]);
  });

  it('is not sent when its secret is not there', async () => {
    await expect(webhooks().deliver(request({ secretName: 'x' }))).rejects.toMatchObject({
      code: 'FB-RCV-009',
    });
  });

  it('keeps the beginning only of a long answer, and its secret to itself', async () => {
    answer = { status: 500, body: 'x'.repeat(100_000) };
    const { detail } = await webhooks().deliver(request());
    expect(detail).toHaveLength(4096);
    expect(JSON.stringify(received)).not.toContain(SECRET);
  });
});
