import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fetchBytes } from '../../../../agents/process-server/storage-request.ts';

describe('one request to the storage service', () => {
  let server: Server;
  let serve: RequestListener;

  beforeEach(async () => {
    server = createServer((request, response) => serve(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const get = async (
    into?: Buffer,
    { signal = new AbortController().signal, timeoutMs = 60_000 } = {},
  ): ReturnType<typeof fetchBytes> => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk`;
    return fetchBytes(url, { headers: {}, signal, timeoutMs, into });
  };

  it('fills the buffer it was given, and hands out what came', async () => {
    serve = (_, response) => {
      response.write('abc');
      setImmediate(() => response.end('def'));
    };
    const into = Buffer.alloc(8, '-');
    const { body, isSuccess } = await get(into);
    expect([isSuccess, body?.toString(), into.toString()]).toEqual([true, 'abcdef', 'abcdef--']);
    expect(body?.buffer).toBe(into.buffer);
  });

  it('does not take more than it asked for', async () => {
    serve = (_, response) => response.end('nine bytes');
    expect((await get(Buffer.alloc(8))).body).toBeNull();
  });

  it('fails when the answer breaks off', async () => {
    serve = (_, response) => {
      response.writeHead(206, { 'content-length': 8 });
      response.write('abcd', () => response.destroy());
    };
    await expect(get(Buffer.alloc(8))).rejects.toThrow('aborted');
  });

  it('fails when there is no answer in time', async () => {
    serve = () => undefined;
    await expect(get(undefined, { timeoutMs: 20 })).rejects.toThrow('no answer within');
  });

  it('fails when the rest of an answer does not come in time', async () => {
    serve = (_, response) => {
      response.writeHead(206, { 'content-length': 8 });
      response.write('abcd');
    };
    await expect(get(Buffer.alloc(8), { timeoutMs: 50 })).rejects.toThrow('no answer within');
  });

  it('is given up with the reason of the signal, and closes its connection', async () => {
    const control = new AbortController();
    const closed = new Promise((resolve) => {
      serve = (request) => {
        request.socket.once('close', resolve);
        control.abort(new Error('given up'));
      };
    });
    await expect(get(undefined, { signal: control.signal })).rejects.toThrow('given up');
    await closed;
  });

  it('does not follow to another place', async () => {
    let requests = 0;
    serve = (_, response) => {
      requests += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    };
    const { status, isSuccess } = await get(Buffer.alloc(8));
    expect([status, isSuccess, requests]).toEqual([302, false, 1]);
  });

  it('reads of a refusal no more than its beginning, and leaves the buffer alone', async () => {
    serve = (_, response) => response.writeHead(500).end(Buffer.alloc(1024 ** 2, 'x'));
    const into = Buffer.alloc(8, '-');
    const { status, body } = await get(into);
    expect([status, body?.length, into.toString()]).toEqual([500, 64 * 1024, '--------']);
  });
});
