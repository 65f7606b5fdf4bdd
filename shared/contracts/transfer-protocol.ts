import { z } from 'zod';
import { replicationModeSchema } from './commands.ts';
import { errorRecordSchema } from './errors.ts';
import { identifierSchema, sectorBytesSchema } from './json.ts';

/**
 * Process server → master target over mutually authenticated TLS. A frame is
 *   u32 length of the body · u8 type · body        (big-endian)
 * Hello → HelloAnswer → Begin → (Data | Zero | Digest | Checkpoint)* → Finish → Finished.
 * Frames between Begin and Finish are numbered; offsets only grow. Acks carry the watermark: everything
 * below it is durable, and a new connection goes on there.
 */
export const PROTOCOL_VERSION = 1;
export const MAX_FRAME_BYTES = 2 * 1024 * 1024;
export const DIGEST_BYTES = 32;
const HEADER_BYTES = 5;

export const FRAME = {
  hello: 1,
  helloAnswer: 2,
  begin: 3,
  data: 4,
  zero: 5,
  digest: 6,
  checkpoint: 7,
  finish: 8,
  ack: 9,
  finished: 10,
  refusal: 11,
} as const;

export const helloSchema = z.object({
  protocolVersion: z.literal(PROTOCOL_VERSION),
  replicationId: identifierSchema,
  pointId: identifierSchema,
  diskId: identifierSchema,
  sizeBytes: sectorBytesSchema.positive(),
  blockBytes: z.int().positive(),
  snapshotName: z.string(),
});
export type Hello = z.infer<typeof helloSchema>;

export const helloAnswerSchema = z.object({
  /** Snapshot that the sealed point stands for; `null` before the first one. */
  sealedSnapshotName: z.string().nullable(),
  /** The disk reads as zeros wherever nothing was sent yet. */
  isBlank: z.boolean(),
  /** Present when this point was begun before. */
  resume: z
    .object({
      watermark: z.int().nonnegative(),
      mode: replicationModeSchema,
      isFinished: z.boolean(),
    })
    .nullable(),
});
export type HelloAnswer = z.infer<typeof helloAnswerSchema>;

/** A mode other than that of `resume` starts the disk's point afresh. */
export const beginSchema = z.object({ mode: replicationModeSchema });
export const ackSchema = z.object({ watermark: z.int().nonnegative() });
export const refusalSchema = z.object({ error: errorRecordSchema });

export type TransferFrame =
  | {
      readonly type: typeof FRAME.data;
      readonly sequence: number;
      readonly offset: number;
      readonly length: number;
      readonly isCompressed: boolean;
      /** SHA-256 of the bytes before compression. */
      readonly digest: Uint8Array;
      readonly payload: Uint8Array;
    }
  | {
      readonly type: typeof FRAME.zero;
      readonly sequence: number;
      readonly offset: number;
      readonly length: number;
    }
  | {
      readonly type: typeof FRAME.digest;
      readonly sequence: number;
      readonly block: number;
      /** SHA-256 of the whole block at the source. */
      readonly digest: Uint8Array;
    }
  | { readonly type: typeof FRAME.checkpoint; readonly sequence: number; readonly offset: number }
  | { readonly type: typeof FRAME.finish; readonly sequence: number };

/** A frame whose body is JSON. */
export interface JsonFrame {
  readonly type: number;
  readonly json: unknown;
}

/** What is wrong with what the peer sent. The text names the fault. */
export class FrameFault extends Error {
  override readonly name = 'FrameFault';
}

export function encodeJson(type: number, value: unknown): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(value));
  const frame = header(type, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

export function encodeTransfer(frame: TransferFrame): Uint8Array {
  switch (frame.type) {
    case FRAME.data: {
      const bytes = header(frame.type, 17 + DIGEST_BYTES + frame.payload.length);
      const view = bodyView(bytes);
      view.setUint32(0, frame.sequence);
      setOffset(view, 4, frame.offset);
      view.setUint32(12, frame.length);
      view.setUint8(16, frame.isCompressed ? 1 : 0);
      bytes.set(frame.digest, HEADER_BYTES + 17);
      bytes.set(frame.payload, HEADER_BYTES + 17 + DIGEST_BYTES);
      return bytes;
    }
    case FRAME.zero: {
      const bytes = header(frame.type, 20);
      const view = bodyView(bytes);
      view.setUint32(0, frame.sequence);
      setOffset(view, 4, frame.offset);
      setOffset(view, 12, frame.length);
      return bytes;
    }
    case FRAME.digest: {
      const bytes = header(frame.type, 8 + DIGEST_BYTES);
      const view = bodyView(bytes);
      view.setUint32(0, frame.sequence);
      view.setUint32(4, frame.block);
      bytes.set(frame.digest, HEADER_BYTES + 8);
      return bytes;
    }
    case FRAME.checkpoint: {
      const bytes = header(frame.type, 12);
      bodyView(bytes).setUint32(0, frame.sequence);
      setOffset(bodyView(bytes), 4, frame.offset);
      return bytes;
    }
    case FRAME.finish: {
      const bytes = header(frame.type, 4);
      bodyView(bytes).setUint32(0, frame.sequence);
      return bytes;
    }
  }
}

/** Reads one frame from the front of the bytes; `null` when it is not complete yet. Throws FrameFault. */
export function decodeFrame(
  bytes: Uint8Array,
): { readonly frame: TransferFrame | JsonFrame; readonly consumed: number } | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0);
  const type = view.getUint8(4);
  if (length > MAX_FRAME_BYTES) throw new FrameFault(`a frame of ${length} bytes is too large`);
  if (bytes.length < HEADER_BYTES + length) return null;
  const body = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
  return { frame: decodeBody(type, body), consumed: HEADER_BYTES + length };
}

/** How many bytes the frame at the front takes; what its header needs while even that is incomplete. */
export function frameBytesNeeded(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES) return HEADER_BYTES;
  return HEADER_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function decodeBody(type: number, body: Uint8Array): TransferFrame | JsonFrame {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  switch (type) {
    case FRAME.data:
      expectLength(body, 17 + DIGEST_BYTES, 'data');
      return {
        type,
        sequence: view.getUint32(0),
        offset: getOffset(view, 4),
        length: view.getUint32(12),
        isCompressed: view.getUint8(16) === 1,
        digest: body.subarray(17, 17 + DIGEST_BYTES),
        payload: body.subarray(17 + DIGEST_BYTES),
      };
    case FRAME.zero:
      expectLength(body, 20, 'zero');
      return {
        type,
        sequence: view.getUint32(0),
        offset: getOffset(view, 4),
        length: getOffset(view, 12),
      };
    case FRAME.digest:
      expectLength(body, 8 + DIGEST_BYTES, 'digest');
      return {
        type,
        sequence: view.getUint32(0),
        block: view.getUint32(4),
        digest: body.subarray(8, 8 + DIGEST_BYTES),
      };
    case FRAME.checkpoint:
      expectLength(body, 12, 'checkpoint');
      return { type, sequence: view.getUint32(0), offset: getOffset(view, 4) };
    case FRAME.finish:
      expectLength(body, 4, 'finish');
      return { type, sequence: view.getUint32(0) };
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

function header(type: number, length: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint8(4, type);
  return bytes;
}

function bodyView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + HEADER_BYTES);
}

function setOffset(view: DataView, at: number, value: number): void {
  view.setBigUint64(at, BigInt(value));
}

function getOffset(view: DataView, at: number): number {
  const value = view.getBigUint64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameFault('an offset that is too large');
  return Number(value);
}
