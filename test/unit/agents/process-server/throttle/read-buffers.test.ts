import { describe, expect, it } from '@jest/globals';
import { ReadBuffers } from '../../../../../agents/process-server/throttle/read-buffers.ts';

const MIB = 1024 ** 2;

describe('buffers that are used again', () => {
  it('are handed out again once they came back, and not before', () => {
    const buffers = new ReadBuffers(16 * MIB);
    const first = buffers.take(4 * MIB);
    const second = buffers.take(4 * MIB);
    expect(second.buffer).not.toBe(first.buffer);
    buffers.giveBack(first);
    expect(buffers.take(4 * MIB - 512).buffer).toBe(first.buffer);
  });

  it('have exactly the length that was asked for', () => {
    const buffers = new ReadBuffers(16 * MIB);
    buffers.giveBack(buffers.take(MIB));
    expect([512, 65_536, MIB - 512, MIB].map((length) => buffers.take(length).length)).toEqual([
      512,
      65_536,
      MIB - 512,
      MIB,
    ]);
  });

  it('serve what is shorter, the smallest that fits first, unless most of them would lie idle', () => {
    const buffers = new ReadBuffers(16 * MIB);
    const [large, middle] = [buffers.take(4 * MIB), buffers.take(2 * MIB)];
    for (const bytes of [middle, large]) buffers.giveBack(bytes);
    expect(buffers.take(0.75 * MIB).buffer).not.toBe(middle.buffer);
    expect(buffers.take(MIB).buffer).toBe(middle.buffer);
    expect(buffers.take(MIB).buffer).not.toBe(large.buffer);
    expect(buffers.take(2 * MIB).buffer).toBe(large.buffer);
  });

  it('are not handed out twice when they come back twice', () => {
    const buffers = new ReadBuffers(16 * MIB);
    const bytes = buffers.take(MIB);
    buffers.giveBack(bytes);
    buffers.giveBack(bytes.subarray(10));
    expect(buffers.take(MIB).buffer).not.toBe(buffers.take(MIB).buffer);
  });

  it('are not taken from others', () => {
    const buffers = new ReadBuffers(16 * MIB);
    const foreign = Buffer.alloc(MIB);
    buffers.giveBack(foreign);
    expect(buffers.take(MIB).buffer).not.toBe(foreign.buffer);
  });

  it('are kept up to a limit; the longest unused goes first', () => {
    const buffers = new ReadBuffers(2 * MIB);
    const [old, middle, young] = [buffers.take(MIB), buffers.take(MIB), buffers.take(MIB)];
    for (const bytes of [old, middle, young]) buffers.giveBack(bytes);
    const again = new Set([1, 2, 3].map(() => buffers.take(MIB).buffer));
    expect([again.has(old.buffer), again.has(middle.buffer), again.has(young.buffer)]).toEqual([
      false,
      true,
      true,
    ]);
  });
});
