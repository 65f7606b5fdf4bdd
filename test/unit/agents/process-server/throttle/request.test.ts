import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { StorageFailure } from '../../../../../agents/process-server/storage-http.ts';
import {
  createThrottle,
  type Throttle,
} from '../../../../../agents/process-server/throttle/throttle.ts';
import { FakeClock, settle } from './fake-clock.ts';

const never = new AbortController().signal;
const busy = (retryAfterMs?: number): StorageFailure =>
  new StorageFailure(503, 'ServerBusy', retryAfterMs);

interface OpenRequest {
  readonly key: string;
  answer(): void;
  fail(error: unknown): void;
}

/** A storage service that answers when the test says so. */
class Service {
  readonly clock = new FakeClock();
  readonly open: OpenRequest[] = [];
  readonly throttle: Throttle;
  peak = 0;

  constructor(maxRequests = 32) {
    const bandwidth = { windows: [] };
    this.throttle = createThrottle({ memoryBytes: 1, maxRequests, bandwidth, clock: this.clock });
  }

  async ask(count: number, key = 'disk', signal = never): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      void this.throttle.request(key, () => this.#serve(key), signal).catch(() => undefined);
    }
    await settle();
  }

  /** Answers so many of the oldest open requests, one after the other. */
  async answer(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      this.open.shift()?.answer();
      await settle();
    }
  }

  /** Refuses everything that is open now, at once. */
  async refuseAll(error: unknown): Promise<void> {
    for (const request of this.open.splice(0)) request.fail(error);
    await settle();
  }

  async #serve(key: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.open.push({ key, answer: resolve, fail: reject });
    this.peak = Math.max(this.peak, this.open.length);
    return promise;
  }
}

describe('requests to the storage service', () => {
  it('begin with four at once', async () => {
    const service = new Service();
    await service.ask(100);
    expect(service.open).toHaveLength(4);
  });

  it('begin with fewer when fewer are allowed', async () => {
    const service = new Service(2);
    await service.ask(100);
    expect(service.open).toHaveLength(2);
  });

  it('become one more after every full round of successes, up to the maximum', async () => {
    const service = new Service(7);
    await service.ask(100);
    const seen: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const { length } = service.open;
      await service.answer(length - 1);
      expect(service.open).toHaveLength(length);
      await service.answer(1);
      seen.push(service.open.length);
    }
    expect(seen).toEqual([5, 6, 7, 7, 7]);
  });

  it.each([429, 503])(
    'are halved by a round of answers %i, once and not below one',
    async (status) => {
      const service = new Service();
      await service.ask(200);
      await service.answer(4 + 5 + 6 + 7);
      expect(service.open).toHaveLength(8);
      const seen: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        await service.refuseAll(new StorageFailure(status, 'ServerBusy', undefined));
        seen.push(service.open.length);
      }
      expect(seen).toEqual([4, 2, 1, 1, 1]);
    },
  );

  it('are not halved again by late refusals of the round that was halved already', async () => {
    const service = new Service();
    await service.ask(100);
    await service.answer(4 + 5 + 6 + 7);
    const [first, ...late] = service.open.splice(0);
    first?.fail(busy());
    await settle();
    expect(service.open).toHaveLength(0);
    for (const request of late) {
      request.fail(busy());
      await settle();
    }
    expect(service.open).toHaveLength(4);
  });

  it('do not grow by late successes of the round that was halved', async () => {
    const service = new Service();
    await service.ask(100);
    await service.answer(4 + 5 + 6 + 7);
    const [first, ...late] = service.open.splice(0);
    first?.fail(busy());
    for (const request of late) request.answer();
    await settle();
    await service.answer(3);
    expect(service.open).toHaveLength(4);
    await service.answer(1);
    expect(service.open).toHaveLength(5);
  });

  it('do not grow while the service asked for patience, and do afterwards', async () => {
    const service = new Service();
    await service.ask(200);
    await service.refuseAll(busy(10_000));
    expect(service.open).toHaveLength(2);
    await service.answer(20);
    await service.clock.advance(9_999);
    await service.answer(20);
    expect(service.open).toHaveLength(2);
    await service.clock.advance(1);
    await service.answer(2);
    expect(service.open).toHaveLength(3);
  });

  it('neither grow nor shrink by failures that are no sign of overload', async () => {
    const service = new Service();
    await service.ask(100);
    await service.refuseAll(new StorageFailure(404, 'BlobNotFound', undefined));
    expect(service.open).toHaveLength(4);
    await service.refuseAll(new StorageFailure(500, 'InternalError', undefined));
    await service.refuseAll(new TypeError('fetch failed'));
    expect(service.open).toHaveLength(4);
  });

  it('do not grow by successes that never used the places there are', async () => {
    const service = new Service();
    for (let n = 0; n < 50; n += 1) {
      await service.ask(1);
      await service.answer(1);
    }
    await service.ask(100);
    expect(service.open).toHaveLength(4);
  });

  it('are shared by the disks in turn', async () => {
    const service = new Service(1);
    await service.ask(50, 'greedy');
    await service.ask(3, 'modest');
    const order: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      order.push(service.open[0]?.key ?? '');
      await service.answer(1);
    }
    expect(order).toEqual(['greedy', 'greedy', 'modest', 'greedy', 'modest', 'greedy']);
  });

  it('are not sent any more when they were given up while waiting', async () => {
    const service = new Service(1);
    await service.ask(1, 'running');
    const control = new AbortController();
    await service.ask(5, 'aborted', control.signal);
    await service.ask(1, 'other');
    control.abort(new Error('given up'));
    await service.answer(1);
    expect(service.open.map(({ key }) => key)).toEqual(['other']);
  });

  it('give their answer or their failure back unchanged', async () => {
    const { throttle } = new Service();
    const failure = busy();
    await expect(throttle.request('a', async () => 42, never)).resolves.toBe(42);
    await expect(throttle.request('a', async () => Promise.reject(failure), never)).rejects.toBe(
      failure,
    );
  });

  it('never exceed the maximum and are all answered, whatever the service says', async () => {
    const verdict = fc.constantFrom('ok', 'ok', 'ok', 'busy', 'broken', 'patience');
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.tuple(verdict, fc.nat(20)), { maxLength: 80 }),
        async (maxRequests, script) => {
          const service = new Service(maxRequests);
          await service.ask(60, 'a');
          await service.ask(20, 'b');
          for (const [said, at] of script) {
            const [request] = service.open.splice(at % (service.open.length || 1), 1);
            if (said === 'ok') request?.answer();
            else if (said === 'broken') request?.fail(new TypeError('fetch failed'));
            else request?.fail(busy(said === 'patience' ? 1000 : undefined));
            await service.clock.advance(100);
          }
          let answered = script.length;
          while (service.open.length > 0) {
            await service.answer(1);
            answered += 1;
          }
          expect(service.peak).toBeLessThanOrEqual(maxRequests);
          expect(answered).toBe(80);
        },
      ),
      { numRuns: 100 },
    );
  });
});
