import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  decodeFrame,
  encodeJson,
  encodeTransfer,
  frameBytesNeeded,
} from '../../../../shared/contracts/transfer-codec.ts';
import {
  type AnyFrame,
  DIGEST_BYTES,
  type DigestFrame,
  FRAME,
  FrameFault,
  type JsonFrame,
  MAX_FRAME_BYTES,
  type TransferFrame,
} from '../../../../shared/contracts/transfer-protocol.ts';

const sequence = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const offset = fc.maxSafeNat();
const digest = fc.uint8Array({ minLength: DIGEST_BYTES, maxLength: DIGEST_BYTES });

const block = fc.integer({ min: 0, max: 2 ** 32 - 1 });

const transferFrame: fc.Arbitrary<TransferFrame | DigestFrame> = fc.oneof(
  fc.record({
    type: fc.constant(FRAME.data),
    sequence,
    offset,
    length: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    isCompressed: fc.boolean(),
    digest,
    payload: fc.uint8Array({ maxLength: 2000 }),
  }),
  fc.record({ type: fc.constant(FRAME.zero), sequence, offset, length: offset }),
  fc.record({
    type: fc.constant(FRAME.same),
    sequence,
    block,
    digest,
  }),
  fc.record({ type: fc.constant(FRAME.digestQuery), block, count: block }),
  fc.record({
    type: fc.constant(FRAME.digestAnswer),
    block,
    digests: fc.uint8Array({ maxLength: 200 }),
  }),
  fc.record({ type: fc.constant(FRAME.checkpoint), sequence, offset }),
  fc.record({ type: fc.constant(FRAME.finish), sequence }),
);

const jsonFrame: fc.Arbitrary<JsonFrame> = fc.record({
  type: fc.constantFrom(FRAME.hello, FRAME.helloAnswer, FRAME.begin, FRAME.ack, FRAME.refusal),
  json: fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer())),
});

const encode = (frame: AnyFrame): Uint8Array =>
  'json' in frame ? encodeJson(frame.type, frame.json) : Buffer.concat(encodeTransfer(frame));

/** A frame with any body, right or wrong. */
function frameOf(type: number, body: Uint8Array, claimedLength = body.length): Uint8Array {
  const bytes = new Uint8Array(5 + body.length);
  new DataView(bytes.buffer).setUint32(0, claimedLength);
  bytes[4] = type;
  bytes.set(body, 5);
  return bytes;
}

describe('frames of the transfer protocol', () => {
  it('come out as they went in, one after another', () => {
    const frames = fc.array(fc.oneof(transferFrame, jsonFrame), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(frames, (sent) => {
        let bytes: Uint8Array = Buffer.concat(sent.map(encode));
        const received: AnyFrame[] = [];
        for (let next = decodeFrame(bytes); next !== null; next = decodeFrame(bytes)) {
          received.push(next.frame);
          bytes = bytes.subarray(next.consumed);
        }
        expect(bytes).toHaveLength(0);
        // The codec gives views of what it got; only their bytes matter.
        expect(received.map(plain)).toEqual(sent.map(plain));
      }),
      { numRuns: 200, seed: 31 },
    );
  });

  it('wait for the rest while they are incomplete', () => {
    fc.assert(
      fc.property(fc.oneof(transferFrame, jsonFrame), fc.nat(), (frame, cut) => {
        const bytes = encode(frame);
        const part = bytes.subarray(0, cut % bytes.length);
        expect(decodeFrame(part)).toBeNull();
        expect(frameBytesNeeded(part)).toBe(part.length < 5 ? 5 : bytes.length);
      }),
      { numRuns: 200, seed: 32 },
    );
  });

  it('are refused before their body came when they are too large', () => {
    const header = frameOf(FRAME.data, new Uint8Array(0), MAX_FRAME_BYTES + 1);
    expect(() => decodeFrame(header)).toThrow(
      new FrameFault(`a frame of ${MAX_FRAME_BYTES + 1} bytes is too large`),
    );
    expect(decodeFrame(frameOf(FRAME.data, new Uint8Array(0), MAX_FRAME_BYTES))).toBeNull();
  });

  it.each([
    ['data', FRAME.data, 16 + DIGEST_BYTES],
    ['zero', FRAME.zero, 19],
    ['same', FRAME.same, 7 + DIGEST_BYTES],
    ['digest query', FRAME.digestQuery, 7],
    ['digest answer', FRAME.digestAnswer, 3],
    ['checkpoint', FRAME.checkpoint, 11],
    ['finish', FRAME.finish, 3],
  ])('are refused when a %s frame is too short for its fields', (name, type, length) => {
    const attempt = (): unknown => decodeFrame(frameOf(type, new Uint8Array(length)));
    expect(attempt).toThrow(new FrameFault(`a truncated ${name} frame`));
  });

  it.each([0, 15, 99, 255])('are refused when their type is %i', (type) => {
    const attempt = (): unknown => decodeFrame(frameOf(type, Buffer.from('{}')));
    expect(attempt).toThrow(new FrameFault(`unknown frame type ${type}`));
  });

  it.each([
    ['half of a text', Buffer.from('{"mode":')],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0xfe, 0x22)],
    ['nothing at all', new Uint8Array(0)],
  ])('are refused when instead of JSON they hold %s', (_name, body) => {
    const attempt = (): unknown => decodeFrame(frameOf(FRAME.hello, body));
    expect(attempt).toThrow(new FrameFault('a frame that is not JSON'));
  });

  it.each([
    ['zero', FRAME.zero, 20, 4],
    ['zero (its length)', FRAME.zero, 20, 12],
    ['checkpoint', FRAME.checkpoint, 12, 4],
    ['data', FRAME.data, 17 + DIGEST_BYTES, 4],
  ])('are refused when an offset of %s is no safe integer', (_name, type, length, at) => {
    const body = new Uint8Array(length);
    new DataView(body.buffer).setBigUint64(at, BigInt(Number.MAX_SAFE_INTEGER) + 1n);
    const attempt = (): unknown => decodeFrame(frameOf(type, body));
    expect(attempt).toThrow(new FrameFault('an offset that is too large'));
  });
});

function plain(frame: AnyFrame): unknown {
  return Object.fromEntries(
    Object.entries(frame).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : (value as unknown),
    ]),
  );
}
