import type * as Timers from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type * as Replicating from '../../../../agents/process-server/replicate-disk.ts';
import { createThrottle } from '../../../../agents/process-server/throttle/throttle.ts';
import { aCommandContext } from '../../../support/data-plane/command-context.ts';

const QUARTER_HOUR_MS = 15 * 60_000;
let replicateDisk: typeof Replicating.replicateDisk;
let now = Date.now();

beforeAll(async () => {
  jest.doMock('node:timers/promises', () => ({
    ...jest.requireActual<typeof Timers>('node:timers/promises'),
    setTimeout: async (pauseMs: number) => void (now += pauseMs),
  }));
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  ({ replicateDisk } = await import('../../../../agents/process-server/replicate-disk.ts'));
});
afterAll(() => {
  jest.restoreAllMocks();
});

it('gives a transfer up that fails for a quarter of an hour for a reason that nobody knows', async () => {
  const startedAt = now;
  const context = aCommandContext(async () => {
    throw new Error('what nobody has thought of');
  });
  const bandwidth = { windows: [] };
  const throttle = createThrottle({ memoryBytes: 1024 ** 2, maxRequests: 8, bandwidth });
  const transport = { connect: async () => Promise.reject(new Error('not asked')) };
  const input = {
    replicationId: 'web-01',
    pointId: 'point-1',
    diskId: 'os',
    sizeBytes: 1024 ** 2,
    snapshotName: 'snapshot-1',
    masterTarget: { host: '127.0.0.1', port: 1 },
  };
  const parts = { transport, throttle, connectionsPerDisk: 1 };
  await expect(replicateDisk(parts, input, context)).rejects.toThrow('what nobody has thought of');
  expect(now - startedAt).toBeGreaterThanOrEqual(QUARTER_HOUR_MS);
  const codes = new Set(context.progress.map(({ health }) => health?.code));
  expect([...codes]).toEqual(['FB-DATA-009']);
  expect(context.progress.length).toBeGreaterThan(50);
});
