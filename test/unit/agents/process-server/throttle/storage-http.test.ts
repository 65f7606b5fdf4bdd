import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type * as StorageHttp from '../../../../../agents/process-server/storage-http.ts';
import type * as ThrottleModule from '../../../../../agents/process-server/throttle/throttle.ts';
import { settle } from './fake-clock.ts';

/** Pauses between attempts, in milliseconds; they are noted, not waited for. */
const pauses: number[] = [];
let getFromStorage: typeof StorageHttp.getFromStorage;
let createThrottle: typeof ThrottleModule.createThrottle;

beforeAll(async () => {
  jest.doMock('node:timers/promises', () => ({
    setTimeout: async (pauseMs: number): Promise<void> => {
      pauses.push(pauseMs);
    },
  }));
  // Loaded only now, so that they get the timers above.
  ({ getFromStorage } = await import('../../../../../agents/process-server/storage-http.ts'));
  ({ createThrottle } = await import('../../../../../agents/process-server/throttle/throttle.ts'));
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A storage service on the loopback interface. */
class StorageStandIn {
  readonly #server: Server;
  readonly sockets = new Set<Socket>();
  answer: Answer = (_, response) => response.end('bytes');
  requests = 0;
  running = 0;
  peak = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.requests += 1;
      this.running += 1;
      this.peak = Math.max(this.peak, this.running);
      response.on('close', () => {
        this.running -= 1;
      });
      this.answer(request, response);
    });
    this.#server.on('connection', (socket) => this.sockets.add(socket));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  url(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return `http://127.0.0.1:${port}/disk`;
  }

  /** Says these things in turn, then that all is well. */
  say(...refusals: readonly { status: number; headers?: Record<string, string> }[]): void {
    const left = [...refusals];
    this.answer = (_, response) => {
      const refusal = left.shift();
      if (refusal !== undefined) response.writeHead(refusal.status, refusal.headers);
      response.end('bytes');
    };
  }
}

describe('reads from the storage service', () => {
  let service: StorageStandIn;
  const signal = new AbortController().signal;
  const headers = (): Record<string, string> => ({});
  const renew = async (): Promise<void> => undefined;
  const url = (): string => service.url();

  beforeEach(async () => {
    pauses.length = 0;
    service = new StorageStandIn();
    await service.start();
  });

  afterEach(async () => service.stop());

  const pausesAfter = async (
    status: number,
    retryAfter: string,
    date?: string,
  ): Promise<readonly number[]> => {
    pauses.length = 0;
    service.say({
      status,
      headers: { 'retry-after': retryAfter, ...(date === undefined ? {} : { date }) },
    });
    await getFromStorage({ url, headers, signal, renew });
    return pauses;
  };

  it.each([429, 503])(
    'wait after %i as long as the service asks in seconds, or a little longer',
    async (status) => {
      const [pause, ...more] = await pausesAfter(status, '7');
      expect(more).toEqual([]);
      expect(pause).toBeGreaterThanOrEqual(7_000);
      expect(pause).toBeLessThanOrEqual(8_400);
    },
  );

  it('wait until the date the service names, by the clock of the service', async () => {
    const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
    const [pause] = await pausesAfter(503, 'Wed, 21 Oct 2015 07:28:30 GMT', date);
    expect(pause).toBeGreaterThanOrEqual(30_000);
    expect(pause).toBeLessThanOrEqual(36_000);
  });

  it.each([
    ['seconds', '86400'],
    ['a date', 'Thu, 22 Oct 2015 07:28:00 GMT'],
  ])('wait no longer than five minutes, asked in %s', async (_, retryAfter) => {
    const seen = await pausesAfter(503, retryAfter, 'Wed, 21 Oct 2015 07:28:00 GMT');
    expect(seen).toEqual([300_000]);
  });

  it.each([
    ['that the service asks for no time', 503, '0'],
    ['that lies in the past', 503, 'Wed, 21 Oct 2015 07:27:00 GMT'],
    ['that cannot be read', 503, 'soon'],
    ['with a status that is no overload', 500, '120'],
  ])('make their own pause after a Retry-After %s', async (_, status, retryAfter) => {
    const [pause] = await pausesAfter(status, retryAfter, 'Wed, 21 Oct 2015 07:28:00 GMT');
    expect(pause).toBeGreaterThan(0);
    expect(pause).toBeLessThanOrEqual(250);
  });

  it('do not come back in step', async () => {
    const seen = new Set<number | undefined>();
    for (let n = 0; n < 5; n += 1) seen.add((await pausesAfter(503, '7'))[0]);
    for (let n = 0; n < 5; n += 1) seen.add((await pausesAfter(503, '0'))[0]);
    expect(seen.size).toBe(10);
  });

  it('take every attempt through the throttle, also the one with a renewed SAS', async () => {
    service.say({ status: 503 }, { status: 403 }, { status: 429 });
    const seen: (number | string)[] = [];
    const keys = new Set<string>();
    const gate = {
      request: async <T>(key: string, run: () => Promise<T>): Promise<T> => {
        keys.add(key);
        try {
          const answer = await run();
          seen.push('ok');
          return answer;
        } catch (error) {
          seen.push((error as StorageHttp.StorageFailure).status);
          throw error;
        }
      },
    };
    let renewals = 0;
    await getFromStorage({
      url,
      headers,
      signal,
      renew: async () => {
        renewals += 1;
      },
      throttle: { gate, key: 'disk1' },
    });
    expect(seen).toEqual([503, 403, 429, 'ok']);
    expect(service.requests).toBe(4);
    expect(renewals).toBe(1);
    expect([...keys]).toEqual(['disk1']);
  });

  it('run no more at once than the throttle lets them, while the service refuses some', async () => {
    service.say(...Array.from({ length: 6 }, () => ({ status: 503 })));
    const gate = createThrottle({ memoryBytes: 1, maxRequests: 3, bandwidth: { windows: [] } });
    const reads = Array.from({ length: 30 }, async (_, n) => {
      const throttle = { gate, key: `disk${n % 3}` };
      return getFromStorage({ url, headers, signal, renew, throttle });
    });
    const bodies = (await Promise.all(reads)).map(({ body }) => body.toString());
    expect(bodies).toEqual(Array.from({ length: 30 }, () => 'bytes'));
    expect(service.requests).toBe(36);
    expect(service.peak).toBeLessThanOrEqual(3);
  });

  it('wait in the line without a request, and leave it when they are given up', async () => {
    const gate = createThrottle({ memoryBytes: 1, maxRequests: 1, bandwidth: { windows: [] } });
    const { promise, resolve } = Promise.withResolvers<void>();
    const occupied = gate.request('other', async () => promise, signal);
    const control = new AbortController();
    const throttle = { gate, key: 'disk' };
    const read = getFromStorage({ url, headers, signal: control.signal, renew, throttle });
    await settle();
    control.abort(new Error('given up'));
    await expect(read).rejects.toThrow('given up');
    expect(service.requests).toBe(0);
    resolve();
    await occupied;
  });

  it('have as many connections as requests run, and use them again', async () => {
    const everybody = 128;
    const round = async (): Promise<void> => {
      const waiting: ServerResponse[] = [];
      service.answer = (_, response) => {
        waiting.push(response);
        // Answered once all are there: that takes a connection each.
        if (waiting.length === everybody) for (const it of waiting) it.end('bytes');
      };
      const reads = Array.from({ length: everybody }, async () =>
        getFromStorage({ url, headers, signal, renew }),
      );
      await Promise.all(reads);
    };
    await round();
    expect(service.sockets.size).toBe(everybody);
    for (let n = 0; n < 5; n += 1) await round();
    // A connection is free a moment after its answer was read; until then the next request opens another.
    expect(service.sockets.size).toBeLessThanOrEqual(2 * everybody);
  });
});
