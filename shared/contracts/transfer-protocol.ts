import { z } from 'zod';
import { replicationModeSchema } from './commands.ts';
import { errorRecordSchema } from './errors.ts';
import { identifierSchema, sectorBytesSchema } from './json.ts';

/**
 * Process server → master target over mutually authenticated TLS. One disk travels in lanes: stretches of
 * the disk, each on a connection of its own. A frame is
 *   u32 length of the body · u8 type · body        (big-endian)
 * Hello → HelloAnswer → Begin → (Data | Zero | Same | Checkpoint)* → Finish → Finished.
 * Frames between Begin and Finish are numbered; offsets only grow and stay inside the lane, and a data
 * frame inside one block. Acks carry the watermark: everything of the lane below it is durable, and a new
 * connection goes on there. Payload is sent only against credit. DigestQuery asks for what the target
 * holds, and may come at any time after Begin; answers come in the order of the questions.
 */
export const PROTOCOL_VERSION = 2;
export const MAX_FRAME_BYTES = 2 * 1024 * 1024;
export const DIGEST_BYTES = 32;
export const MAX_LANES = 16;
/** Payload bytes that may be on their way over one connection. */
export const CREDIT_BYTES = 8 * 1024 * 1024;
/** Blocks asked for in one DigestQuery. */
export const MAX_DIGESTS = 1024;

export const FRAME = {
  hello: 1,
  helloAnswer: 2,
  begin: 3,
  data: 4,
  zero: 5,
  same: 6,
  checkpoint: 7,
  finish: 8,
  ack: 9,
  finished: 10,
  refusal: 11,
  credit: 12,
  digestQuery: 13,
  digestAnswer: 14,
} as const;

export const helloSchema = z.object({
  protocolVersion: z.literal(PROTOCOL_VERSION),
  /** The connections of one attempt share it; a hello with another one ends them. */
  attemptId: identifierSchema,
  replicationId: identifierSchema,
  pointId: identifierSchema,
  diskId: identifierSchema,
  sizeBytes: sectorBytesSchema.positive(),
  blockBytes: z.int().positive(),
  snapshotName: z.string(),
  /** Not to be let go to make room for what comes. */
  keepPointId: identifierSchema.optional(),
});
export type Hello = z.infer<typeof helloSchema>;

/** A stretch of the disk, half-open, that begins at a block. Lanes in order cover the whole disk. */
export const laneSchema = z.object({ start: z.int().nonnegative(), end: z.int().positive() });
export type Lane = z.infer<typeof laneSchema>;

const laneStateSchema = laneSchema.extend({
  watermark: z.int().nonnegative(),
  isFinished: z.boolean(),
});
export type LaneState = z.infer<typeof laneStateSchema>;

export const helloAnswerSchema = z.object({
  /** Snapshot that the sealed point stands for, and when it was taken; `null` before the first one. */
  sealed: z.object({ snapshotName: z.string(), takenAt: z.string() }).nullable(),
  /** The disk reads as zeros wherever nothing was sent yet. */
  isBlank: z.boolean(),
  /** Present when the disk was made larger since the sealed point: the size it had there. */
  grownFromBytes: z.int().positive().optional(),
  /** Present when this point was begun before. */
  resume: z.object({ mode: replicationModeSchema, lanes: z.array(laneStateSchema) }).nullable(),
  creditBytes: z.int().positive(),
});
export type HelloAnswer = z.infer<typeof helloAnswerSchema>;

/** A mode or lanes other than those of `resume` start the disk's point afresh. */
export const beginSchema = z.object({
  mode: replicationModeSchema,
  lanes: z.array(laneSchema).min(1).max(MAX_LANES),
  /** Index of the lane that this connection serves. */
  lane: z
    .int()
    .nonnegative()
    .max(MAX_LANES - 1),
});
export type Begin = z.infer<typeof beginSchema>;
export const ackSchema = z.object({ watermark: z.int().nonnegative() });
export const creditSchema = z.object({ bytes: z.int().positive() });
export const refusalSchema = z.object({ error: errorRecordSchema });

export type DataFrame = {
  readonly type: typeof FRAME.data;
  readonly sequence: number;
  readonly offset: number;
  readonly length: number;
  readonly isCompressed: boolean;
  /** SHA-256 of the bytes before compression. */
  readonly digest: Uint8Array;
  readonly payload: Uint8Array;
};

export type TransferFrame =
  | DataFrame
  | {
      readonly type: typeof FRAME.zero;
      readonly sequence: number;
      readonly offset: number;
      readonly length: number;
    }
  | {
      /** The block was compared and is the same on both sides. */
      readonly type: typeof FRAME.same;
      readonly sequence: number;
      readonly block: number;
      readonly digest: Uint8Array;
    }
  | { readonly type: typeof FRAME.checkpoint; readonly sequence: number; readonly offset: number }
  | { readonly type: typeof FRAME.finish; readonly sequence: number };

export type DigestFrame =
  | { readonly type: typeof FRAME.digestQuery; readonly block: number; readonly count: number }
  | {
      readonly type: typeof FRAME.digestAnswer;
      readonly block: number;
      /** 32 bytes a block, one after the other. */
      readonly digests: Uint8Array;
    };

/** A frame whose body is JSON. */
export interface JsonFrame {
  readonly type: number;
  readonly json: unknown;
}

export type AnyFrame = TransferFrame | DigestFrame | JsonFrame;

/** What is wrong with what the peer sent. The text names the fault. */
export class FrameFault extends Error {
  override readonly name = 'FrameFault';
}
