import { FRAME } from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { DamagedFile, readFrames } from './frame-file.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import type { ChangeFrame } from './sinks.ts';

/** Redo of one disk: its lanes one after the other, so that offsets only grow. Throws FB-JRN-002. */
export async function* stagedChanges(
  folder: ReplicationFolder,
  request: {
    readonly diskId: string;
    readonly pointId: string;
    readonly redoLengths: readonly number[];
  },
): AsyncGenerator<ChangeFrame> {
  const { diskId, pointId, redoLengths } = request;
  try {
    for (const [lane, length] of redoLengths.entries()) {
      for await (const frame of readFrames(folder.redoFile(diskId, lane), length)) {
        if (frame.type !== FRAME.checkpoint && frame.type !== FRAME.finish) yield frame;
      }
    }
  } catch (error) {
    if (!(error instanceof DamagedFile)) throw error;
    const values = { diskId, pointId, reason: error.message };
    throw new FailbackError('FB-JRN-002', values, { cause: error });
  }
}

/** The changes of one block; a stretch of zeros over many blocks is cut at their borders. */
export interface BlockChanges {
  readonly block: number;
  readonly changes: readonly ChangeFrame[];
}

/** Groups ordered changes by block: at most one block's changes are in memory. */
export async function* byBlock(frames: AsyncIterable<ChangeFrame>): AsyncGenerator<BlockChanges> {
  let [block, changes]: [number, ChangeFrame[]] = [-1, []];
  for await (const frame of frames) {
    for (const piece of cutAtBlocks(frame)) {
      const at = blockOf(piece);
      if (at !== block && changes.length > 0) {
        yield { block, changes };
        changes = [];
      }
      block = at;
      changes.push(piece);
    }
  }
  if (changes.length > 0) yield { block, changes };
}

function* cutAtBlocks(frame: ChangeFrame): Generator<ChangeFrame> {
  if (frame.type !== FRAME.zero) {
    yield frame;
    return;
  }
  const end = frame.offset + frame.length;
  for (let start = frame.offset; start < end;) {
    const border = Math.min(end, (Math.floor(start / BLOCK_BYTES) + 1) * BLOCK_BYTES);
    yield { ...frame, offset: start, length: border - start };
    start = border;
  }
}

function blockOf(frame: ChangeFrame): number {
  return frame.type === FRAME.same ? frame.block : Math.floor(frame.offset / BLOCK_BYTES);
}
