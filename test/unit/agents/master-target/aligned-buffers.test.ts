import { describe, expect, it } from '@jest/globals';
import { alignedBuffers, isAligned } from '../../../../agents/master-target/aligned-buffers.ts';

const MIB = 1024 * 1024;

describe('memory that begins at a page', () => {
  it('is used again when it is given back, and only for its own length', () => {
    const first = alignedBuffers.take(MIB);
    expect(isAligned(first)).toBe(true);
    alignedBuffers.giveBack(first);
    expect(alignedBuffers.take(MIB / 2)).not.toBe(first);
    expect(alignedBuffers.take(MIB)).toBe(first);
    expect(alignedBuffers.take(MIB)).not.toBe(first);
  });

  it('is kept up to a bound; the rest is left to the collector', () => {
    const lent = Array.from({ length: 40 }, () => alignedBuffers.take(MIB));
    for (const buffer of lent) alignedBuffers.giveBack(buffer);
    const again = new Set(Array.from({ length: 40 }, () => alignedBuffers.take(MIB)));
    expect(lent.filter((buffer) => again.has(buffer))).toHaveLength(16);
  });

  it('is not where a part begins between two pages, nor what Node makes by itself', () => {
    expect(isAligned(alignedBuffers.take(MIB).subarray(4096))).toBe(true);
    expect(isAligned(alignedBuffers.take(MIB).subarray(512))).toBe(false);
    expect(isAligned(Buffer.allocUnsafeSlow(MIB))).toBe(false);
  });
});
