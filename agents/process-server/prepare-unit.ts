import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReplicationMode } from '../../shared/contracts/commands.ts';
import {
  DIGEST_BYTES,
  FRAME,
  type TransferFrame,
} from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES, type PageRange, type TransferUnit } from '../../shared/domain/page-ranges.ts';
import type { BlockSource } from '../../shared/ports/block-source.ts';
import { encodeBlock } from './encode-block.ts';
import type { TargetConnection } from './target-connection.ts';
import type { Throttle } from './throttle/throttle.ts';

export interface PrepareOptions {
  readonly source: BlockSource;
  readonly connection: Pick<TargetConnection, 'digests'>;
  readonly mode: ReplicationMode;
  readonly throttle: Throttle;
  /** The disk, as the throttle knows it. */
  readonly key: string;
  readonly signal: AbortSignal;
}

/** A unit as frames without numbers. */
export interface PreparedUnit {
  readonly frames: readonly TransferFrame[];
  readonly end: number;
  readonly readBytes: number;
  /** Gives its memory back; `isReusable` says that nobody will read the payloads again. */
  readonly release: (isReusable: boolean) => void;
}

/** Reads a unit, compares it where the mode says so, and encodes its blocks. */
export async function prepareUnit(
  unit: TransferUnit,
  options: PrepareOptions,
): Promise<PreparedUnit> {
  const { offset, end } = unit;
  if (unit.kind === 'zero') {
    const frames = [{ type: FRAME.zero, sequence: 0, offset, length: end - offset }] as const;
    return { frames, end, readBytes: 0, release: () => undefined };
  }
  const { throttle, key, signal, mode } = options;
  const release = await throttle.memory(key, end - offset, signal);
  try {
    const [bytes, known] = await Promise.all([
      options.source.read(offset, end - offset),
      mode === 'checksum' ? targetDigests(unit, options) : null,
    ]);
    const frames: TransferFrame[] = [];
    // In turn: each compression under way takes a megabyte, and units side by side keep all cores busy.
    for (const piece of piecesOf(unit)) {
      frames.push(await encodePiece(piece, { unit, bytes, known }, throttle));
      // Hashing holds the only thread: connections get their turn before the next block, not after the unit.
      if (piece.length === BLOCK_BYTES) await nextTurn();
    }
    return {
      frames,
      end: lastOf(unit),
      readBytes: end - offset,
      release: (isReusable) => {
        if (isReusable) throttle.buffers.giveBack(bytes);
        release();
      },
    };
  } catch (error) {
    release();
    throw error;
  }
}

async function encodePiece(
  { offset, length, kind }: PageRange,
  read: {
    readonly unit: TransferUnit;
    readonly bytes: Buffer;
    readonly known: Uint8Array | null;
  },
  { compression }: Pick<Throttle, 'compression'>,
): Promise<TransferFrame> {
  if (kind === 'zero') return { type: FRAME.zero, sequence: 0, offset, length };
  const { unit, bytes, known } = read;
  const start = offset - unit.offset;
  const block = bytes.subarray(start, start + length);
  const at = Math.floor(start / BLOCK_BYTES) * DIGEST_BYTES;
  const digest = known?.subarray(at, at + DIGEST_BYTES) ?? null;
  return encodeBlock(offset, block, { compression, known: digest });
}

async function targetDigests(
  { offset, end }: TransferUnit,
  { connection }: PrepareOptions,
): Promise<Uint8Array> {
  return connection.digests(offset / BLOCK_BYTES, Math.ceil((end - offset) / BLOCK_BYTES));
}

/** The ranges of a unit, cut so that each lies inside one block. */
function* piecesOf({
  ranges,
}: Extract<TransferUnit, { kind: 'data' }>): Generator<(typeof ranges)[number]> {
  for (const range of ranges) {
    if (range.kind === 'zero') {
      yield range;
      continue;
    }
    const end = range.offset + range.length;
    for (let start = range.offset; start < end;) {
      const border = Math.min(end, (Math.floor(start / BLOCK_BYTES) + 1) * BLOCK_BYTES);
      yield { offset: start, length: border - start, kind: 'data' };
      start = border;
    }
  }
}

/** Zeros at the end of a unit need no reading, but they belong to it. */
function lastOf({ ranges, end }: Extract<TransferUnit, { kind: 'data' }>): number {
  const last = ranges.at(-1);
  return last === undefined ? end : Math.max(end, last.offset + last.length);
}
