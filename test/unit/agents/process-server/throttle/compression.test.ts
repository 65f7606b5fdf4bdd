import { describe, expect, it } from '@jest/globals';
import { CompressionShare } from '../../../../../agents/process-server/throttle/compression.ts';

const MOVING = { tookMs: 200, waitedMs: 0 };
const LINE_FULL = { tookMs: 200, waitedMs: 100 };
const MANY = 100;

class Transfer {
  idleCpuShare = 0;
  readonly compression = new CompressionShare(() => this.idleCpuShare);

  /** How many of a hundred compressible blocks are compressed after so many stretches. */
  after(stretches: number, stretch: { tookMs: number; waitedMs: number }): number {
    for (let count = 0; count < stretches; count += 1) this.compression.sent(stretch);
    return Array.from({ length: MANY }, () => this.compression.next()).filter(Boolean).length;
  }
}

describe('the share of compressible blocks that are compressed', () => {
  it('is all of them before anything is known', () => {
    expect(new Transfer().after(0, MOVING)).toBe(MANY);
  });

  it('stays all of them while there is CPU time to spare', () => {
    const transfer = new Transfer();
    transfer.idleCpuShare = 0.5;
    expect(transfer.after(20, MOVING)).toBe(MANY);
  });

  it('stays all of them while the line is full, however busy the machine is', () => {
    expect(new Transfer().after(20, LINE_FULL)).toBe(MANY);
  });

  it('falls, step by step, to none when CPU time is scarce and the line is not', () => {
    const transfer = new Transfer();
    const shares = Array.from({ length: 8 }, () => transfer.after(1, MOVING));
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(new Set(shares).size).toBe(8);
    expect(shares.at(-1)).toBe(0);
  });

  it('is spread evenly over the blocks', () => {
    const transfer = new Transfer();
    transfer.after(4, MOVING);
    const choices = Array.from({ length: 8 }, () => transfer.compression.next());
    expect(choices.filter(Boolean)).toHaveLength(4);
    expect(choices.every((choice, at) => at === 0 || choice !== choices[at - 1])).toBe(true);
  });

  it.each([
    ['the line is full', LINE_FULL, 0],
    ['there is CPU time to spare', MOVING, 0.5],
  ])('comes back twice as fast when %s', (_reason, stretch, idleCpuShare) => {
    const transfer = new Transfer();
    expect(transfer.after(8, MOVING)).toBe(0);
    transfer.idleCpuShare = idleCpuShare;
    expect(transfer.after(4, stretch)).toBe(MANY);
  });

  it('is not moved by a stretch that is too short to tell anything', () => {
    const transfer = new Transfer();
    expect(transfer.after(19, { tookMs: 10, waitedMs: 0 })).toBe(MANY);
    expect(transfer.after(1, { tookMs: 10, waitedMs: 0 })).toBeLessThan(MANY);
  });
});
