import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ProgressMeter } from '../../../agents/runtime/progress-meter.ts';
import { transferProgressSchema } from '../../../shared/contracts/progress.ts';

function aMeter(): { meter: ProgressMeter; pass: (ms: number) => void } {
  let nowMs = 1_000_000;
  return { meter: new ProgressMeter(() => nowMs), pass: (ms) => (nowMs += ms) };
}

describe('the progress of a transfer', () => {
  it('knows the rate and the time left', () => {
    const { meter, pass } = aMeter();
    meter.expect(10_000, 10);
    pass(1000);
    meter.add(1000, 1, { sentBytes: 800, wireBytes: 250 });
    expect(meter.read('reading')).toEqual({
      bytesDone: 1000,
      bytesTotal: 10_000,
      rangesDone: 1,
      rangesTotal: 10,
      sentBytes: 800,
      wireBytes: 250,
      bytesPerSecond: 1000,
      etaSeconds: 9,
      step: 'reading',
    });
  });

  it('has no time left to tell before it has a rate', () => {
    const { meter, pass } = aMeter();
    meter.expect(10_000, 10);
    pass(1);
    meter.add(1000, 1);
    expect(meter.read('reading')).not.toHaveProperty('etaSeconds');
  });

  it('follows a change of the rate slowly enough to be read', () => {
    const { meter, pass } = aMeter();
    meter.expect(1_000_000, 1);
    pass(1000);
    meter.add(1000, 0);
    pass(1000);
    meter.add(2000, 0);
    const second = meter.read('').bytesPerSecond;
    expect(second).toBeGreaterThan(1000);
    expect(second).toBeLessThan(2000);
    for (let round = 0; round < 50; round += 1) {
      pass(1000);
      meter.add(2000, 0);
    }
    expect(Math.round(meter.read('').bytesPerSecond)).toBe(2000);
  });

  it('is never more than all, when more came than was expected', () => {
    const { meter, pass } = aMeter();
    meter.expect(1000, 1);
    pass(1000);
    meter.add(1500, 2);
    expect(meter.read('')).toMatchObject({
      bytesDone: 1500,
      bytesTotal: 1500,
      rangesDone: 2,
      rangesTotal: 2,
      etaSeconds: 0,
    });
  });

  it('adds up what is sent before and after compression; what was compared only is neither', () => {
    const { meter, pass } = aMeter();
    meter.expect(10_000, 4);
    meter.add(1000, 1, { sentBytes: 1000, wireBytes: 400 });
    meter.add(2000, 1);
    pass(1000);
    meter.add(3000, 1, { sentBytes: 500, wireBytes: 100 });
    expect(meter.read('')).toMatchObject({ bytesDone: 6000, sentBytes: 1500, wireBytes: 500 });
  });

  it('goes on where an earlier attempt stood, without counting that as speed', () => {
    const { meter, pass } = aMeter();
    meter.expect(10_000, 10);
    pass(1000);
    meter.add(1000, 1, { sentBytes: 1000, wireBytes: 400 });
    pass(60_000);
    meter.resumeAt(8000, 8);
    expect(meter.read('')).toMatchObject({ bytesDone: 8000, rangesDone: 8, bytesPerSecond: 1000 });
    pass(1000);
    meter.add(1000, 1, { sentBytes: 600, wireBytes: 100 });
    expect(meter.read('')).toMatchObject({
      bytesDone: 9000,
      rangesDone: 9,
      // What the broken attempt sent was sent, whether it counts or not.
      sentBytes: 1600,
      wireBytes: 500,
      bytesPerSecond: 1000,
      etaSeconds: 1,
    });
  });

  it('may fall back to an earlier place: what was never acknowledged is done again', () => {
    const { meter, pass } = aMeter();
    meter.expect(1000, 10);
    pass(1000);
    meter.add(900, 9);
    meter.resumeAt(200, 2);
    pass(1000);
    meter.add(100, 1);
    const seen = transferProgressSchema.parse(meter.read(''));
    expect(seen).toMatchObject({ bytesDone: 300, rangesDone: 3, bytesTotal: 1000 });
    expect(seen.bytesPerSecond).toBeGreaterThan(0);
  });

  it('can always be sent, whatever comes when, and if the clock is set back', () => {
    const step = fc.record({
      passedMs: fc.integer({ min: -5000, max: 5000 }),
      bytes: fc.integer({ min: 0, max: 2 ** 40 }),
      ranges: fc.nat(100),
      sentBytes: fc.nat(2 ** 30),
      wireBytes: fc.nat(2 ** 30),
      isResumed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.nat(2 ** 30), fc.array(step), (total, steps) => {
        const { meter, pass } = aMeter();
        meter.expect(total, 10);
        for (const { passedMs, bytes, ranges, sentBytes, wireBytes, isResumed } of steps) {
          pass(passedMs);
          if (isResumed) meter.resumeAt(bytes, ranges);
          else meter.add(bytes, ranges, { sentBytes, wireBytes });
          const seen = transferProgressSchema.parse(meter.read('reading'));
          expect(seen.bytesDone).toBeLessThanOrEqual(seen.bytesTotal);
          expect(seen.rangesDone).toBeLessThanOrEqual(seen.rangesTotal);
          expect(Number.isFinite(seen.bytesPerSecond)).toBe(true);
        }
      }),
    );
  });
});
