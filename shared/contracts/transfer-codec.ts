import {
  type AnyFrame,
  DIGEST_BYTES,
  type DigestFrame,
  FRAME,
  FrameFault,
  MAX_FRAME_BYTES,
  type TransferFrame,
} from './transfer-protocol.ts';

const HEADER_BYTES = 5;
const DATA_HEAD_BYTES = 17 + DIGEST_BYTES;

export function encodeJson(type: number, value: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(value));
  const { bytes } = start(type, body.length);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** The frame's bytes in pieces: a payload is passed on, not copied. */
export function encodeTransfer(frame: TransferFrame | DigestFrame): readonly Uint8Array[] {
  switch (frame.type) {
    case FRAME.data: {
      const { bytes, view } = start(frame.type, DATA_HEAD_BYTES, frame.payload.length);
      view.setUint32(0, frame.sequence);
      setOffset(view, 4, frame.offset);
      view.setUint32(12, frame.length);
      view.setUint8(16, frame.isCompressed ? 1 : 0);
      bytes.set(frame.digest, HEADER_BYTES + 17);
      return [bytes, frame.payload];
    }
    case FRAME.zero: {
      const { bytes, view } = start(frame.type, 20);
      view.setUint32(0, frame.sequence);
      setOffset(view, 4, frame.offset);
      setOffset(view, 12, frame.length);
      return [bytes];
    }
    case FRAME.same: {
      const { bytes, view } = start(frame.type, 8 + DIGEST_BYTES);
      view.setUint32(0, frame.sequence);
      view.setUint32(4, frame.block);
      bytes.set(frame.digest, HEADER_BYTES + 8);
      return [bytes];
    }
    case FRAME.checkpoint: {
      const { bytes, view } = start(frame.type, 12);
      view.setUint32(0, frame.sequence);
      setOffset(view, 4, frame.offset);
      return [bytes];
    }
    case FRAME.finish: {
      const { bytes, view } = start(frame.type, 4);
      view.setUint32(0, frame.sequence);
      return [bytes];
    }
    case FRAME.digestQuery: {
      const { bytes, view } = start(frame.type, 8);
      view.setUint32(0, frame.block);
      view.setUint32(4, frame.count);
      return [bytes];
    }
    case FRAME.digestAnswer: {
      const { bytes, view } = start(frame.type, 4, frame.digests.length);
      view.setUint32(0, frame.block);
      return [bytes, frame.digests];
    }
  }
}

/** Reads one frame from the front of the bytes; `null` when it is not complete yet. Throws FrameFault. */
export function decodeFrame(
  bytes: Uint8Array,
): { readonly frame: AnyFrame; readonly consumed: number } | null {
  if (bytes.length < HEADER_BYTES) return null;
  const consumed = frameBytesNeeded(bytes);
  if (bytes.length < consumed) return null;
  const body = bytes.subarray(HEADER_BYTES, consumed);
  return { frame: decodeBody(bytes[4] ?? 0, body), consumed };
}

/**
 * How many bytes the frame at the front takes; what its header needs while even that is incomplete. Throws
 * FrameFault when the frame is too large to wait for.
 */
export function frameBytesNeeded(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES) return HEADER_BYTES;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (length > MAX_FRAME_BYTES) throw new FrameFault(`a frame of ${length} bytes is too large`);
  return HEADER_BYTES + length;
}

function decodeBody(type: number, body: Uint8Array): AnyFrame {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  switch (type) {
    case FRAME.data:
      expectLength(body, DATA_HEAD_BYTES, 'data');
      return {
        type,
        sequence: view.getUint32(0),
        offset: getOffset(view, 4),
        length: view.getUint32(12),
        isCompressed: view.getUint8(16) === 1,
        digest: body.subarray(17, DATA_HEAD_BYTES),
        payload: body.subarray(DATA_HEAD_BYTES),
      };
    case FRAME.zero: {
      expectLength(body, 20, 'zero');
      const [offset, length] = [getOffset(view, 4), getOffset(view, 12)];
      return { type, sequence: view.getUint32(0), offset, length };
    }
    case FRAME.same: {
      expectLength(body, 8 + DIGEST_BYTES, 'same');
      const digest = body.subarray(8, 8 + DIGEST_BYTES);
      return { type, sequence: view.getUint32(0), block: view.getUint32(4), digest };
    }
    case FRAME.checkpoint:
      expectLength(body, 12, 'checkpoint');
      return { type, sequence: view.getUint32(0), offset: getOffset(view, 4) };
    case FRAME.finish:
      expectLength(body, 4, 'finish');
      return { type, sequence: view.getUint32(0) };
    case FRAME.digestQuery:
      expectLength(body, 8, 'digest query');
      return { type, block: view.getUint32(0), count: view.getUint32(4) };
    case FRAME.digestAnswer:
      expectLength(body, 4, 'digest answer');
      return { type, block: view.getUint32(0), digests: body.subarray(4) };
    default:
      return { type, json: parseJson(type, body) };
  }
}

function parseJson(type: number, body: Uint8Array): unknown {
  const isKnown = Object.values(FRAME).some((known) => known === type);
  if (!isKnown) throw new FrameFault(`unknown frame type ${type}`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new FrameFault('a frame that is not JSON');
  }
}

function expectLength(body: Uint8Array, minimum: number, name: string): void {
  if (body.length < minimum) throw new FrameFault(`a truncated ${name} frame`);
}

/** A frame's header and the fixed part of its body; `tailBytes` follow in a piece of their own. */
function start(
  type: number,
  headBytes: number,
  tailBytes = 0,
): { readonly bytes: Uint8Array; readonly view: DataView } {
  const bytes = new Uint8Array(HEADER_BYTES + headBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, headBytes + tailBytes);
  view.setUint8(4, type);
  return { bytes, view: new DataView(bytes.buffer, HEADER_BYTES) };
}

function setOffset(view: DataView, at: number, value: number): void {
  view.setBigUint64(at, BigInt(value));
}

function getOffset(view: DataView, at: number): number {
  const value = view.getBigUint64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameFault('an offset that is too large');
  return Number(value);
}
