import { describe, expect, it } from '@jest/globals';
import { withBackoff } from '../../../agents/runtime/backoff.ts';

const QUICK = { firstMs: 1, maxMs: 2, isWorthRetrying: () => true };

function failing(times: number): { attempt: () => Promise<string>; count: () => number } {
  let attempts = 0;
  return {
    attempt: async () => {
      attempts += 1;
      if (attempts <= times) throw new Error(`failure ${attempts}`);
      return 'done';
    },
    count: () => attempts,
  };
}

describe('trying again with growing pauses', () => {
  it('goes on until it works', async () => {
    const { attempt, count } = failing(7);
    expect(await withBackoff(attempt, QUICK)).toBe('done');
    expect(count()).toBe(8);
  });

  it('does not try again what is not worth it', async () => {
    const { attempt, count } = failing(7);
    const isWorthRetrying = (error: unknown): boolean => String(error).includes('failure 1');
    await expect(withBackoff(attempt, { ...QUICK, isWorthRetrying })).rejects.toThrow('failure 2');
    expect(count()).toBe(2);
  });

  it('ends with the last failure after as many attempts as it may make', async () => {
    const { attempt, count } = failing(7);
    await expect(withBackoff(attempt, { ...QUICK, maxAttempts: 3 })).rejects.toThrow('failure 3');
    expect(count()).toBe(3);
  });

  it('waits for as long as the peer asked instead', async () => {
    const asked: unknown[] = [];
    const { attempt } = failing(2);
    await withBackoff(attempt, {
      firstMs: 3_600_000,
      maxMs: 3_600_000,
      isWorthRetrying: () => true,
      askedDelayMs: (error) => {
        asked.push((error as Error).message);
        return 1;
      },
    });
    expect(asked).toEqual(['failure 1', 'failure 2']);
  });

  it('ends at once when it is told to stop in a pause', async () => {
    const stopping = new AbortController();
    const { attempt, count } = failing(7);
    const hour = 3_600_000;
    const waiting = withBackoff(attempt, {
      ...QUICK,
      firstMs: hour,
      maxMs: hour,
      signal: stopping.signal,
    });
    setImmediate(() => stopping.abort());
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(count()).toBe(1);
  });

  it('makes no second attempt when it was told to stop during the first', async () => {
    const stopping = new AbortController();
    let attempts = 0;
    const attempt = async (): Promise<never> => {
      attempts += 1;
      stopping.abort();
      throw new Error('failure');
    };
    const waiting = withBackoff(attempt, { ...QUICK, signal: stopping.signal });
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(attempts).toBe(1);
  });
});
