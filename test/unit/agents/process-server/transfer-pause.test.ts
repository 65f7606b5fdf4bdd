import { describe, expect, it } from '@jest/globals';
import { sourceError, StorageFailure } from '../../../../agents/process-server/storage-http.ts';
import { pauseAfter } from '../../../../agents/process-server/transfer-pause.ts';

describe('the pause before the next attempt of a transfer', () => {
  it('grows with each failure in a row up to 15 seconds', () => {
    const pauses = [1, 2, 3, 6, 7, 50].map((failures) => pauseAfter(failures, new Error(), 1));
    expect(pauses).toEqual([300, 600, 1200, 9600, 15_000, 15_000]);
  });

  it('has jitter of up to a half', () => {
    expect(pauseAfter(1, new Error(), 0)).toBe(150);
  });

  it('is what the storage service asked for where that is longer', () => {
    const overloaded = sourceError(new StorageFailure(503, 'ServerBusy', 300_000));
    expect(pauseAfter(1, overloaded, 0)).toBe(300_000);
    expect(pauseAfter(1, sourceError(new StorageFailure(503, 'ServerBusy', 10)), 0)).toBe(150);
  });
});
