import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createThrottle } from '../../../../../agents/process-server/throttle/throttle.ts';
import {
  type BandwidthSchedule,
  limitAt,
  WEEKDAYS,
} from '../../../../../shared/domain/bandwidth-schedule.ts';
import { FakeClock, settle } from './fake-clock.ts';

const never = new AbortController().signal;
const KIB = 1024;
/** Bytes a second at 8 Mbps. */
const MEGABYTE = 1_000_000;
const HOUR_MS = 3_600_000;

/** A wire that remembers what was let through, and when. */
class Wire {
  readonly clock: FakeClock;
  readonly sent: { readonly key: string; readonly bytes: number; readonly atMs: number }[] = [];
  readonly #throttle: ReturnType<typeof createThrottle>;

  constructor(bandwidth: BandwidthSchedule, startedAt?: string) {
    this.clock = new FakeClock(startedAt);
    const { clock } = this;
    this.#throttle = createThrottle({ memoryBytes: 1, maxRequests: 1, bandwidth, clock });
  }

  get bytes(): number {
    return this.sent.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async send(key: string, bytes: number, signal = never): Promise<void> {
    await this.#throttle.bandwidth(key, bytes, signal);
    this.sent.push({ key, bytes, atMs: this.clock.monotonicMs() });
  }

  /** Sends one frame after the other until the signal comes. */
  async keepSending(key: string, nextBytes: () => number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.send(key, nextBytes(), signal).catch(() => undefined);
  }
}

describe('the bandwidth of a process server', () => {
  it('costs nothing where there is no limit', async () => {
    const wire = new Wire({ windows: [] });
    await Promise.all(Array.from({ length: 100 }, async () => wire.send('a', 1e9)));
    expect(wire.sent).toHaveLength(100);
    expect(wire.clock.timers).toBe(0);
  });

  it('refuses a signal that was aborted before, also without a limit', async () => {
    const wire = new Wire({ windows: [] });
    const reason = new Error('given up');
    await expect(wire.send('a', 1, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('makes up for at most 250 ms of an idle line', async () => {
    const wire = new Wire({ defaultMbps: 8, windows: [] });
    await wire.clock.advance(HOUR_MS);
    for (let n = 0; n < 1000; n += 1) void wire.send('a', 1000);
    await settle();
    expect(wire.bytes).toBe(250_000);
  });

  it('lets a frame through that is larger than the burst, in the time it takes', async () => {
    const wire = new Wire({ defaultMbps: 1, windows: [] });
    void wire.send('a', MEGABYTE);
    await wire.clock.advance(7_999);
    expect(wire.bytes).toBe(0);
    await wire.clock.advance(1);
    expect(wire.bytes).toBe(MEGABYTE);
  });

  it('does not let a large frame through at once because the line was idle for long', async () => {
    const wire = new Wire({ defaultMbps: 8, windows: [] });
    await wire.clock.advance(HOUR_MS);
    void wire.send('a', MEGABYTE);
    await wire.clock.advance(749);
    expect(wire.bytes).toBe(0);
    await wire.clock.advance(1);
    expect(wire.bytes).toBe(MEGABYTE);
  });

  it('is shared by the disks in turn', async () => {
    const wire = new Wire({ defaultMbps: 8, windows: [] });
    for (let n = 0; n < 100; n += 1) void wire.send('greedy', 100_000);
    for (let n = 0; n < 3; n += 1) void wire.send('modest', 100_000);
    await wire.clock.advance(700);
    const keys = wire.sent.map(({ key }) => key);
    expect(keys.slice(0, 6)).toEqual(['greedy', 'modest', 'greedy', 'modest', 'greedy', 'modest']);
    expect(keys[6]).toBe('greedy');
  });

  it('goes to the others when the one in front gives up, and leaves no timer behind', async () => {
    const wire = new Wire({ defaultMbps: 8, windows: [] });
    const [first, second] = [new AbortController(), new AbortController()];
    const huge = wire.send('a', 3600 * MEGABYTE, first.signal);
    const paused = wire.send('b', 100 * MEGABYTE, second.signal);
    void wire.send('c', 1000);
    await settle();
    first.abort(new Error('given up'));
    second.abort(new Error('given up'));
    await expect(huge).rejects.toThrow('given up');
    await expect(paused).rejects.toThrow('given up');
    await wire.clock.advance(1);
    expect(wire.sent.map(({ key }) => key)).toEqual(['c']);
    expect(wire.clock.timers).toBe(0);
  });

  it('keeps nothing but the burst of what a waiter that gave up had saved', async () => {
    const wire = new Wire({ defaultMbps: 8, windows: [] });
    const control = new AbortController();
    const huge = wire.send('a', 3600 * MEGABYTE, control.signal);
    await wire.clock.advance(HOUR_MS / 2);
    control.abort(new Error('given up'));
    await expect(huge).rejects.toThrow('given up');
    expect(wire.clock.timers).toBe(0);
    for (let n = 0; n < 1000; n += 1) void wire.send('a', 1000);
    await settle();
    expect(wire.bytes).toBe(250_000);
  });

  it('sends nothing in a pause, wakes at most once a minute, and goes on when it ends', async () => {
    const pause = { days: WEEKDAYS, from: '08:00', to: '10:00', mbps: 0 };
    const wire = new Wire({ windows: [pause] }, '2026-06-01T07:59:00Z');
    await wire.send('a', MEGABYTE);
    await wire.clock.advance(60_000);
    for (let n = 0; n < 10; n += 1) void wire.send('a', n === 0 ? 0 : MEGABYTE);
    await wire.clock.advance(2 * HOUR_MS - 1);
    expect(wire.sent).toHaveLength(1);
    expect(wire.clock.firedTimers).toBeLessThanOrEqual(120);
    await wire.clock.advance(1);
    expect(wire.sent).toHaveLength(11);
    expect(wire.clock.timers).toBe(0);
  });

  it('follows the schedule without a restart, also for frames that wait already', async () => {
    const slow = { days: WEEKDAYS, from: '00:00', to: '01:00', mbps: 0.008 };
    const wire = new Wire({ defaultMbps: 8, windows: [slow] }, '2026-06-01T00:00:00Z');
    void wire.send('a', 10 * MEGABYTE);
    await wire.clock.advance(HOUR_MS);
    expect(wire.bytes).toBe(0);
    // 3.6 MB were saved in the slow hour; the other 6.4 MB take 6.4 s.
    await wire.clock.advance(6_399);
    expect(wire.bytes).toBe(0);
    await wire.clock.advance(1);
    expect(wire.bytes).toBe(10 * MEGABYTE);
  });

  it('lets through what the schedule allows in an hour, within the burst and one frame', async () => {
    const window = fc.record({
      minute: fc.integer({ min: 0, max: 58 }),
      mbps: fc.constantFrom(0, 0.5, 2, 6),
    });
    const parts = fc.record({
      seed: fc.integer(),
      defaultMbps: fc.constantFrom(1, 2, 4),
      windows: fc.array(window, { maxLength: 3 }),
      lateMs: fc.constantFrom(0, 1, 16, 100),
    });
    await fc.assert(
      fc.asyncProperty(parts, async ({ seed, defaultMbps, windows, lateMs }) => {
        const minutes = (value: number): string => `12:${String(value).padStart(2, '0')}`;
        const schedule = {
          defaultMbps,
          windows: windows.map(({ minute, mbps }) => {
            const to = Math.min(59, minute + 20);
            return { days: WEEKDAYS, from: minutes(minute), to: minutes(to), mbps };
          }),
        };
        const wire = new Wire(schedule, '2026-06-01T12:00:00Z');
        const random = fc.sample(fc.integer({ min: 1, max: 512 * KIB }), { seed, numRuns: 997 });
        let drawn = 0;
        const nextBytes = (): number => random[(drawn += 1) % random.length] ?? 1;
        wire.clock.lateMs = () => nextBytes() % (lateMs + 1);
        const control = new AbortController();
        const senders = ['a', 'b', 'c'].map(async (key) =>
          wire.keepSending(key, nextBytes, control.signal),
        );
        await wire.clock.advance(HOUR_MS);
        control.abort(new Error('over'));
        await Promise.all(senders);

        // What was allowed until each minute, in bytes.
        const allowed = [0];
        let [highest, at] = [0, Date.parse('2026-06-01T12:00:00Z')];
        for (let minute = 0; minute < 60; minute += 1, at += 60_000) {
          const bytesPerMs = (limitAt(schedule, new Date(at)) ?? 0) * 125;
          highest = Math.max(highest, bytesPerMs);
          allowed.push((allowed[minute] ?? 0) + bytesPerMs * 60_000);
        }
        const allowedAt = (ms: number): number => {
          const minute = Math.min(59, Math.floor(ms / 60_000));
          const [before = 0, after = 0] = allowed.slice(minute, minute + 2);
          return before + ((after - before) * (ms - minute * 60_000)) / 60_000;
        };
        const burst = highest * 250;
        let bytes = 0;
        // A timer that fires late at a minute's end counts the rest at the rate of before.
        const slack = highest * lateMs;
        for (const frame of wire.sent) {
          bytes += frame.bytes;
          expect(bytes).toBeLessThanOrEqual(allowedAt(frame.atMs) + burst + slack);
        }
        const lateLoss = 60 * slack;
        expect(bytes).toBeGreaterThanOrEqual(allowedAt(HOUR_MS) - burst - 512 * KIB - lateLoss);
      }),
      { numRuns: 12 },
    );
  });
});
