import { describe, expect, it } from '@jest/globals';
import { RecentFrames } from '../../../../agents/master-target/recent-frames.ts';
import { must } from '../../../support/must.ts';
import { FRAME, type TransferFrame } from '../../../../shared/contracts/transfer-protocol.ts';

const digest = new Uint8Array(32).fill(7);
const payload = new Uint8Array(512);

function framesAt(sequence: number): TransferFrame[] {
  const data = { type: FRAME.data, sequence, length: 512, isCompressed: false, payload } as const;
  return [
    { ...data, offset: 512, digest },
    { ...data, offset: 1024, digest },
    { ...data, offset: 512, length: 1024, digest },
    { ...data, offset: 512, digest: new Uint8Array(32).fill(8) },
    { type: FRAME.zero, sequence, offset: 512, length: 512 },
    { type: FRAME.zero, sequence, offset: 512, length: 2 ** 40 },
    { type: FRAME.zero, sequence, offset: 2 ** 42, length: 512 },
    { type: FRAME.same, sequence, block: 512, digest },
    { type: FRAME.same, sequence, block: 2, digest },
    { type: FRAME.checkpoint, sequence, offset: 512 },
    { type: FRAME.checkpoint, sequence, offset: 2 ** 42 + 512 },
    { type: FRAME.finish, sequence },
  ];
}

describe('the frames that came last', () => {
  it('are told from every other frame under their number', () => {
    const all = framesAt(0);
    for (const came of all) {
      const recent = new RecentFrames();
      recent.add(came);
      expect(all.filter((frame) => recent.has(frame))).toEqual([came]);
    }
  });

  it('count by their content, however it travels', () => {
    const recent = new RecentFrames();
    const plain = must(framesAt(0)[0], 'a data frame');
    recent.add(plain);
    expect(recent.has({ ...plain, isCompressed: true } as TransferFrame)).toBe(true);
  });

  it('are known for 4096 frames, and not before they came', () => {
    const recent = new RecentFrames();
    const zero = (sequence: number): TransferFrame => ({
      type: FRAME.zero,
      sequence,
      offset: sequence * 512,
      length: 512,
    });
    for (let sequence = 0; sequence < 10_000; sequence += 1) recent.add(zero(sequence));
    expect(recent.next).toBe(10_000);
    const known = [5903, 5904, 9999, 10_000].map((sequence) => recent.has(zero(sequence)));
    expect(known).toEqual([false, true, true, false]);
  });

  it('are compared with what came under their own number', () => {
    const recent = new RecentFrames();
    recent.add({ type: FRAME.checkpoint, sequence: 0, offset: 0 });
    recent.add({ type: FRAME.checkpoint, sequence: 1, offset: 512 });
    expect(recent.has({ type: FRAME.checkpoint, sequence: 0, offset: 512 })).toBe(false);
    expect(recent.has({ type: FRAME.checkpoint, sequence: 1, offset: 512 })).toBe(true);
  });
});
