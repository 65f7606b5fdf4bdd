import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  createThrottle,
  type Throttle,
} from '../../../../../agents/process-server/throttle/throttle.ts';
import { settle } from './fake-clock.ts';

const never = new AbortController().signal;

function budgetOf(memoryBytes: number): Throttle {
  return createThrottle({ memoryBytes, maxRequests: 1, bandwidth: { windows: [] } });
}

describe('the memory of a process server', () => {
  it('serves disks in turn when one of them asks for much more than the other', async () => {
    const throttle = budgetOf(10);
    const order: string[] = [];
    const free = await throttle.memory('other', 10, never);
    const ask = async (key: string): Promise<void> => {
      const release = await throttle.memory(key, 10, never);
      order.push(key);
      await settle();
      release();
    };
    const greedy = Array.from({ length: 6 }, () => ask('greedy'));
    const modest = Array.from({ length: 3 }, () => ask('modest'));
    free();
    await Promise.all([...greedy, ...modest]);
    expect(order.slice(0, 6)).toEqual(['greedy', 'modest', 'greedy', 'modest', 'greedy', 'modest']);
  });

  it('is used again as a whole, however long it was idle', () => {
    const { buffers } = budgetOf(24 * 1024 ** 2);
    const takeAll = (): Buffer[] => Array.from({ length: 12 }, () => buffers.take(2 * 1024 ** 2));
    const first = takeAll();
    for (const bytes of first) buffers.giveBack(bytes);
    const known = new Set(first.map(({ buffer }) => buffer));
    expect(takeAll().filter(({ buffer }) => known.has(buffer))).toHaveLength(12);
  });

  it('serves one disk in the order of asking, so that a large request does not starve', async () => {
    const throttle = budgetOf(10);
    const order: number[] = [];
    const first = await throttle.memory('disk', 6, never);
    const large = throttle.memory('disk', 9, never).then((release) => {
      order.push(9);
      return release;
    });
    const small = throttle.memory('disk', 1, never).then((release) => {
      order.push(1);
      return release;
    });
    await settle();
    expect(order).toEqual([]);
    first();
    await Promise.all([large, small]);
    expect(order).toEqual([9, 1]);
  });

  it('lets a request that is larger than everything through alone', async () => {
    const throttle = budgetOf(10);
    const small = await throttle.memory('a', 1, never);
    let isIn = false;
    const huge = throttle.memory('b', 1000, never).then((release) => {
      isIn = true;
      return release;
    });
    await settle();
    expect(isIn).toBe(false);
    small();
    const releaseHuge = await huge;
    let isNextIn = false;
    const next = throttle.memory('a', 1, never).then(() => {
      isNextIn = true;
    });
    await settle();
    expect(isNextIn).toBe(false);
    releaseHuge();
    await next;
  });

  it('counts what is given back twice only once', async () => {
    const throttle = budgetOf(10);
    const first = await throttle.memory('a', 6, never);
    await throttle.memory('a', 4, never);
    first();
    first();
    await throttle.memory('a', 6, never);
    let isIn = false;
    void throttle.memory('a', 1, never).then(() => {
      isIn = true;
    });
    await settle();
    expect(isIn).toBe(false);
  });

  it('refuses a signal that was aborted before, and takes nothing', async () => {
    const throttle = budgetOf(10);
    const reason = new Error('given up');
    await expect(throttle.memory('a', 10, AbortSignal.abort(reason))).rejects.toBe(reason);
    await throttle.memory('a', 10, never);
  });

  it('lets in those who stood behind a waiter that gave up', async () => {
    const throttle = budgetOf(10);
    await throttle.memory('a', 6, never);
    const control = new AbortController();
    const large = throttle.memory('a', 9, control.signal);
    const small = throttle.memory('b', 4, never);
    await settle();
    control.abort(new Error('given up'));
    await expect(large).rejects.toThrow('given up');
    await small;
  });

  it('never exceeds the budget, forgets nobody and ends empty, whatever happens', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('take' as const),
          key: fc.constantFrom('a', 'b', 'c'),
          bytes: fc.integer({ min: 0, max: 130 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('release' as const), at: fc.nat(50) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), at: fc.nat(50) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const throttle = budgetOf(100);
        const held: { readonly bytes: number; readonly release: () => void }[] = [];
        const waiting = new Map<number, AbortController>();
        const all: Promise<unknown>[] = [];
        const assertBudget = (): void => {
          const used = held.reduce((sum, { bytes }) => sum + bytes, 0);
          const isAlone = held.filter(({ bytes }) => bytes > 0).length === 1;
          expect(used <= 100 || isAlone).toBe(true);
        };
        const take = (id: number, key: string, bytes: number): void => {
          const control = new AbortController();
          waiting.set(id, control);
          const taken = throttle.memory(key, bytes, control.signal).then(
            (release) => held.push({ bytes, release }),
            () => undefined,
          );
          all.push(taken.finally(() => waiting.delete(id)));
        };
        const run = { id: 0 };
        for (const it of steps) {
          run.id += 1;
          if (it.kind === 'take') take(run.id, it.key, it.bytes);
          else if (it.kind === 'release') held.splice(it.at % (held.length || 1), 1)[0]?.release();
          else [...waiting.values()][it.at % (waiting.size || 1)]?.abort(new Error('given up'));
          if (run.id % 3 === 0) await settle();
          assertBudget();
        }
        await settle();
        while (held.length > 0) {
          held.shift()?.release();
          await settle();
          assertBudget();
        }
        // Nothing is held any more: who still waits now was forgotten.
        expect(waiting.size).toBe(0);
        await Promise.all(all);
        (await throttle.memory('z', 100, never))();
      }),
      { numRuns: 300 },
    );
  });
});
