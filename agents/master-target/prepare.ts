import { FRAME } from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { ahead } from '../runtime/ahead.ts';
import { digestOf, isZero } from '../runtime/block-bytes.ts';
import { FrameFile } from './frame-file.ts';
import type { DiskRecord } from './journal-records.ts';
import { entryOf, isSame, type Manifest } from './manifest.ts';
import { openDisk } from './open-disk.ts';
import { OpenFiles } from './open-files.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import type { ChangeFrame } from './sinks.ts';
import { type BlockChanges, byBlock, stagedChanges } from './staged-changes.ts';
import type { TargetDisk } from './target-disk.ts';

/** Single pages are spread over the disk: waiting for each old block in turn would take longer than its work. */
const BLOCKS_AHEAD = 8;

interface PrepareRequest {
  readonly pointId: string;
  readonly redoLengths: readonly number[];
  /** Whether the bytes that will be overwritten are kept, as the way back from this point. */
  readonly keepsUndo: boolean;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** Bytes that were made durable: less of them later is damage. */
interface PreparedFiles {
  readonly nextLength: number;
  readonly undoLength: number;
}

/**
 * Before the seal, while the disk still stands at the point before: checks every staged change, works out
 * the digests of the blocks as they will be, and saves what will be overwritten. Touches nothing but files
 * of the new point, so that it can be done again from the start.
 *
 * A block that is changed in part is built on what lies on the disk. That must be what the manifest says,
 * otherwise somebody else wrote to the disk: FB-JRN-008, and nothing of it is trusted.
 */
export async function prepareDisk(
  folder: ReplicationFolder,
  record: DiskRecord,
  request: PrepareRequest,
): Promise<PreparedFiles> {
  const { diskId, sizeBytes } = record;
  const { pointId, redoLengths } = request;
  const files = new OpenFiles();
  try {
    const { disk, manifest } = await openDisk(files, folder, { record, isReadOnly: true });
    const next = await files.add(FrameFile.open(folder.nextDigestsFile(pointId, diskId), 0));
    const undo = await files.add(FrameFile.open(folder.undoFile(pointId, diskId), 0));
    const old = oldBlocks({ disk, manifest, sizeBytes }, request);
    const changes = byBlock(stagedChanges(folder, { diskId, pointId, redoLengths }));
    for await (const block of ahead(changes, BLOCKS_AHEAD, old)) {
      request.signal.throwIfAborted();
      block.check(diskId);
      if (request.keepsUndo) for (const frame of block.undo()) await undo.append(frame);
      await next.append(block.nextDigest());
      request.onBytes(block.lengthBytes);
    }
    await next.sync();
    await undo.sync();
    return { nextLength: next.length, undoLength: undo.length };
  } finally {
    await files.close();
  }
}

interface OldState {
  readonly disk: TargetDisk;
  readonly manifest: Manifest;
  readonly sizeBytes: number;
}

/** Reads what lies there before the changes of a block, into as many buffers as blocks are under way. */
function oldBlocks(
  { disk, manifest, sizeBytes }: OldState,
  request: PrepareRequest,
): (changed: BlockChanges, index: number) => Promise<PreparedBlock> {
  const buffers = Array.from({ length: BLOCKS_AHEAD }, () => Buffer.allocUnsafeSlow(BLOCK_BYTES));
  return async (changed, index) => {
    const offset = changed.block * BLOCK_BYTES;
    const length = Math.min(BLOCK_BYTES, sizeBytes - offset);
    const old = buffers[index % BLOCKS_AHEAD]?.subarray(0, length) ?? Buffer.alloc(length);
    // A block that both sides found equal stays as it is: there is nothing to save, and its digest is known.
    const isChanged = changed.changes.some(({ type }) => type !== FRAME.same);
    const isOldNeeded = isChanged && (request.keepsUndo || !isReplaced(changed, length));
    const [[entry]] = await Promise.all([
      manifest.read(changed.block, 1),
      isOldNeeded ? disk.readInto(old, offset) : old,
    ]);
    return new PreparedBlock(changed, old, entry ?? Buffer.alloc(0));
  };
}

/** One block before its changes; `nextDigest` comes last, because it makes the changes in place. */
class PreparedBlock {
  readonly #changed: BlockChanges;
  readonly #old: Buffer;
  readonly #entry: Buffer;

  constructor(changed: BlockChanges, old: Buffer, entry: Buffer) {
    this.#changed = changed;
    this.#old = old;
    this.#entry = entry;
  }

  get lengthBytes(): number {
    return this.#old.length;
  }

  check(diskId: string): void {
    if (isReplaced(this.#changed, this.#old.length) || isSame(this.#entry, this.#old)) return;
    throw new FailbackError('FB-JRN-008', { diskId, offset: this.#start });
  }

  /** What lies there now, and the manifest's word for it. */
  *undo(): Generator<ChangeFrame> {
    for (const change of this.#changed.changes) {
      if (change.type === FRAME.same) continue;
      const at = change.offset - this.#start;
      const payload = this.#old.subarray(at, at + change.length);
      const { offset, length } = change;
      const place = { sequence: 0, offset, length } as const;
      const digest = digestOf(payload);
      if (isZero(payload)) yield { type: FRAME.zero, ...place };
      else yield { type: FRAME.data, ...place, isCompressed: false, payload, digest };
    }
    yield { type: FRAME.same, sequence: 0, block: this.#changed.block, digest: this.#entry };
  }

  nextDigest(): ChangeFrame {
    const { block, changes } = this.#changed;
    const [only] = changes;
    const isKnown =
      only?.type === FRAME.same || (only?.type === FRAME.data && only.length === this.#old.length);
    const digest = isKnown ? only.digest : entryOf(this.#patched());
    return { type: FRAME.same, sequence: 0, block, digest };
  }

  get #start(): number {
    return this.#changed.block * BLOCK_BYTES;
  }

  #patched(): Buffer {
    const bytes = this.#old;
    for (const change of this.#changed.changes) {
      if (change.type === FRAME.same) continue;
      const at = change.offset - this.#start;
      if (change.type === FRAME.data) bytes.set(change.payload, at);
      else bytes.fill(0, at, at + change.length);
    }
    return bytes;
  }
}

/** Nothing of the old block stays, or both sides compared it: what the manifest said does not matter. */
function isReplaced({ changes }: BlockChanges, blockLength: number): boolean {
  const covered = changes.reduce(
    (sum, change) => sum + (change.type === FRAME.same ? blockLength : change.length),
    0,
  );
  return covered >= blockLength;
}
