import { duplexPair, type Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { IncomingFrames } from '../../../../agents/runtime/incoming-frames.ts';
import { encodeTransfer } from '../../../../shared/contracts/transfer-codec.ts';
import {
  type AnyFrame,
  DIGEST_BYTES,
  FRAME,
  type TransferFrame,
} from '../../../../shared/contracts/transfer-protocol.ts';

const MIB = 1024 * 1024;

let [here, peer]: readonly [Duplex, Duplex] = duplexPair();
let frames: IncomingFrames;
beforeEach(() => {
  [here, peer] = duplexPair();
  frames = new IncomingFrames(here);
});

function dataFrame(sequence: number, length: number): TransferFrame {
  const digest = Buffer.alloc(DIGEST_BYTES, sequence);
  const payload = Buffer.alloc(length, sequence);
  return {
    type: FRAME.data,
    sequence,
    offset: sequence * MIB,
    length,
    isCompressed: false,
    digest,
    payload,
  };
}

function bytesOf(...sent: readonly TransferFrame[]): Buffer {
  return Buffer.concat(sent.flatMap((frame) => encodeTransfer(frame)));
}

function isWhole(frame: AnyFrame | null): boolean {
  if (frame === null || !('payload' in frame)) return false;
  return Buffer.alloc(frame.payload.length, frame.sequence).equals(frame.payload);
}

describe('frames put together from what comes', () => {
  it('are the same however the bytes are cut, and each is whole until the next one is asked for', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 20 });
    const lengths = fc.array(fc.integer({ min: 0, max: 150_000 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(cuts, lengths, async (pieces, payloads) => {
        const [receiver, sender] = duplexPair();
        const incoming = new IncomingFrames(receiver);
        const bytes = bytesOf(...payloads.map((length, index) => dataFrame(index, length)));
        for (let at = 0, turnOf = 0; at < bytes.length; turnOf += 1) {
          const end = at + (pieces[turnOf % pieces.length] ?? 1);
          sender.write(bytes.subarray(at, end));
          at = end;
        }
        sender.end();
        for (const [index, length] of payloads.entries()) {
          const frame = await incoming.next();
          // More comes while the frame is worked on.
          await turn();
          expect(frame).toMatchObject({ sequence: index, length });
          expect(isWhole(frame)).toBe(true);
        }
        expect(await incoming.next()).toBeNull();
      }),
      { numRuns: 30 },
    );
  });

  it('leave to the peer what is too much ahead of the one that is worked on', async () => {
    peer.write(bytesOf(dataFrame(1, 10)));
    const lent = await frames.next();
    let taken = 0;
    const bytes = bytesOf(...Array.from({ length: 16 }, (_, index) => dataFrame(index + 2, MIB)));
    for (let at = 0; at < bytes.length; at += 16_384) {
      peer.write(bytes.subarray(at, at + 16_384), () => (taken += 16_384));
    }
    for (let waited = 0; waited < 100; waited += 1) await turn();
    expect(taken).toBeLessThan(MIB);
    expect(isWhole(lent)).toBe(true);
    for (let sequence = 2; sequence < 18; sequence += 1) {
      expect(await frames.next()).toMatchObject({ sequence, length: MIB });
    }
  });

  it('end with a fault where the last one is cut off, after those that are whole', async () => {
    peer.end(bytesOf(dataFrame(1, 100), dataFrame(2, 100)).subarray(0, -1));
    expect(await frames.next()).toMatchObject({ sequence: 1 });
    await expect(frames.next()).rejects.toThrow('a truncated frame at the end');
  });

  it('end with what broke the connection, however often they are asked for', async () => {
    const next = frames.next();
    here.destroy(new Error('the line is cut'));
    await expect(next).rejects.toThrow('the line is cut');
    await expect(frames.next()).rejects.toThrow('the line is cut');
  });

  it('end with an error when the connection is closed at this end', async () => {
    const next = frames.next();
    here.destroy();
    await expect(next).rejects.toThrow('the connection was closed');
  });

  it('are refused when they are too large to wait for', async () => {
    peer.write(Buffer.from([0xff, 0xff, 0xff, 0xff, FRAME.data]));
    await expect(frames.next()).rejects.toThrow('is too large');
  });

  it('are dropped until the peer closes, whatever was held back before', async () => {
    peer.write(bytesOf(dataFrame(1, 10)));
    await frames.next();
    for (let sequence = 2; sequence < 10; sequence += 1) {
      peer.write(bytesOf(dataFrame(sequence, MIB)));
    }
    const dropped = frames.drop();
    peer.end();
    await dropped;
    expect(here.readableEnded).toBe(true);
  });
});
