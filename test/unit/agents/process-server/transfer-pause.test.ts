import { beforeEach, describe, expect, it } from '@jest/globals';
import { sourceError, StorageFailure } from '../../../../agents/process-server/storage-http.ts';
import { FailuresInARow, pauseAfter } from '../../../../agents/process-server/transfer-pause.ts';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';

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

describe('failures of a transfer that nobody foresaw', () => {
  const UNKNOWN = new Error('what nobody has thought of');
  const LINE_IS_DOWN = new FailbackError('FB-DATA-001', { host: 'mt', port: 9443, reason: 'x' });
  const MINUTE_MS = 60_000;
  let now: number;
  let failures: FailuresInARow;

  beforeEach(() => {
    now = 1_000_000;
    failures = new FailuresInARow(() => now);
  });

  function addUnknown(count: number, eachMs: number): void {
    for (let index = 0; index < count; index += 1) {
      if (index > 0) now += eachMs;
      failures.add(UNKNOWN);
    }
  }

  it('do not end it within seconds, however many they are', () => {
    addUnknown(500, 1000);
    expect(failures.areHopeless).toBe(false);
  });

  it('do not end it while they are few, however long it takes', () => {
    addUnknown(4, 60 * MINUTE_MS);
    expect(failures.areHopeless).toBe(false);
  });

  it('end it when they are five and a quarter of an hour has gone by', () => {
    addUnknown(6, 3 * MINUTE_MS - 1);
    expect(failures.areHopeless).toBe(false);
    now += 5;
    failures.add(UNKNOWN);
    expect(failures.areHopeless).toBe(true);
  });

  it.each([
    ['something arrived', () => failures.end()],
    ['it was the line that was down', () => failures.add(LINE_IS_DOWN)],
  ])('count from the start after %s', (_what, between) => {
    addUnknown(5, 10 * MINUTE_MS - 1);
    expect(failures.areHopeless).toBe(true);
    between();
    expect(failures.areHopeless).toBe(false);
    addUnknown(5, MINUTE_MS);
    expect(failures.areHopeless).toBe(false);
  });

  it('make pauses longer together with those that are known, until something arrives', () => {
    failures.add(LINE_IS_DOWN);
    failures.add(UNKNOWN);
    expect(failures.count).toBe(2);
    failures.end();
    failures.add(UNKNOWN);
    expect(failures.count).toBe(1);
  });

  it('are not waited for where the failure is known and does not pass', () => {
    failures.add(new FailbackError('FB-DATA-002', {}));
    expect(failures.areHopeless).toBe(true);
  });
});
