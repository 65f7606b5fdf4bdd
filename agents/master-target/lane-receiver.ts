import { zstdDecompressSync } from 'node:zlib';
import {
  type DataFrame,
  FRAME,
  FrameFault,
  type Lane,
  type TransferFrame,
} from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import type { DiskRecord, StagedDisk, StagedLane } from './journal-records.ts';
import { digestOf } from '../runtime/block-bytes.ts';
import { RecentFrames } from './recent-frames.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import { isBlankFor } from './staging.ts';
import { DirectSink, JournalSink, type Sink } from './sinks.ts';

/** Made durable, and acknowledged, at the latest after so many bytes or so long. */
const SYNC_BYTES = 128 * 1024 * 1024;
const SYNC_MS = 1000;

const GAP = 'a gap in a transfer of the whole disk';

interface LaneOptions {
  readonly folder: ReplicationFolder;
  readonly disk: DiskRecord;
  readonly staged: StagedDisk;
  readonly lane: number;
}

/** Takes one lane's frames in order, checks each, and says up to where everything is durable. */
export class LaneReceiver {
  readonly #options: LaneOptions;
  readonly #lane: Lane;
  readonly #sink: Sink;
  /** Every byte of the lane has to come: what none brings would stay as it was, and count as sealed. */
  readonly #isGapless: boolean;
  #state: StagedLane;
  readonly #recent = new RecentFrames();
  #end: number;
  #watermark: number;
  #unsyncedBytes = 0;
  #syncedAt = Date.now();

  private constructor(options: LaneOptions, lane: Lane, opened: { sink: Sink; state: StagedLane }) {
    this.#options = options;
    this.#lane = lane;
    this.#sink = opened.sink;
    this.#isGapless = isGapless(options);
    this.#state = opened.state;
    this.#end = opened.state.watermark;
    this.#watermark = opened.state.watermark;
  }

  /** Goes on where an earlier connection of the lane ended. */
  static async open(options: LaneOptions): Promise<LaneReceiver> {
    const { folder, disk, staged } = options;
    const lane = staged.lanes[options.lane];
    if (lane === undefined) throw new FrameFault('a lane that was not announced');
    const state = await folder.stagedLane(disk.diskId, options.lane, lane.start);
    const sink = staged.isDirect
      ? await DirectSink.open(folder, disk)
      : await JournalSink.open(folder.redoFile(disk.diskId, options.lane), state.redoLength);
    return new LaneReceiver(options, lane, { sink, state });
  }

  /**
   * Returns the watermark to acknowledge, `null` while there is nothing new. A frame that comes again changes
   * nothing; another one under its number is a fault. Throws FrameFault.
   */
  async take(frame: TransferFrame): Promise<number | null> {
    if (frame.sequence < this.#recent.next) {
      this.#checkRepeated(frame);
      return null;
    }
    if (frame.sequence > this.#recent.next) throw new FrameFault('a frame out of order');
    const watermark = await this.#takeNext(frame);
    this.#recent.add(frame);
    return watermark;
  }

  get isFinished(): boolean {
    return this.#state.isFinished;
  }

  async close(): Promise<void> {
    await this.#sink.close();
  }

  async #takeNext(frame: TransferFrame): Promise<number | null> {
    switch (frame.type) {
      case FRAME.data:
        await this.#data(frame);
        return null;
      case FRAME.zero:
        this.#advance(frame.offset, frame.length);
        await this.#sink.take(frame);
        return null;
      case FRAME.same: {
        const offset = frame.block * BLOCK_BYTES;
        this.#advance(offset, Math.min(BLOCK_BYTES, this.#options.disk.sizeBytes - offset));
        await this.#sink.take(frame);
        return null;
      }
      case FRAME.checkpoint:
        // A lane that is taken up there would never bring what lies before it.
        if (this.#isGapless && frame.offset > this.#end) throw new FrameFault(GAP);
        this.#watermark = Math.min(this.#lane.end, Math.max(this.#watermark, frame.offset));
        return this.#isSyncDue() ? this.#makeDurable(false) : null;
      case FRAME.finish:
        if (this.#isGapless && this.#end !== this.#lane.end) throw new FrameFault(GAP);
        this.#watermark = this.#lane.end;
        return this.#makeDurable(true);
    }
  }

  async #data(frame: DataFrame): Promise<void> {
    const { offset, length } = frame;
    this.#advance(offset, length);
    if (Math.floor(offset / BLOCK_BYTES) !== Math.floor((offset + length - 1) / BLOCK_BYTES)) {
      throw new FrameFault('data of more than one block in a frame');
    }
    const payload = contentOf(frame);
    await this.#sink.take({ ...frame, payload, isCompressed: false });
    this.#unsyncedBytes += length;
  }

  #checkRepeated(frame: TransferFrame): void {
    if (frame.type === FRAME.data) contentOf(frame);
    if (!this.#recent.has(frame))
      throw new FrameFault('another frame than the one that came before');
  }

  #advance(offset: number, length: number): void {
    if (length <= 0) throw new FrameFault('an empty range');
    if (offset < this.#end) throw new FrameFault('an offset that goes back');
    if (this.#isGapless && offset > this.#end) throw new FrameFault(GAP);
    if (offset + length > this.#options.disk.sizeBytes) {
      throw new FrameFault('a range past the end of the disk');
    }
    if (offset + length > this.#lane.end) throw new FrameFault('a range past the end of the lane');
    this.#end = offset + length;
  }

  #isSyncDue(): boolean {
    return this.#unsyncedBytes >= SYNC_BYTES || Date.now() - this.#syncedAt >= SYNC_MS;
  }

  async #makeDurable(isFinished: boolean): Promise<number> {
    await this.#sink.sync();
    const { folder, disk, lane } = this.#options;
    this.#state = { watermark: this.#watermark, redoLength: this.#sink.redoLength, isFinished };
    await folder.writeStagedLane(disk.diskId, lane, this.#state);
    this.#unsyncedBytes = 0;
    this.#syncedAt = Date.now();
    return this.#watermark;
  }
}

/** A delta names what changed, and a disk that was just made is zero wherever nothing comes. */
function isGapless({ disk, staged }: LaneOptions): boolean {
  const isBlank = staged.isDirect && isBlankFor(disk, staged);
  return staged.mode !== 'delta' && !isBlank;
}

/** The bytes as they lie on the disk. */
function contentOf(frame: DataFrame): Uint8Array {
  const payload = frame.isCompressed ? decompressed(frame) : frame.payload;
  if (payload.length !== frame.length) throw new FrameFault('a payload of the wrong length');
  if (!digestOf(payload).equals(frame.digest)) {
    throw new FrameFault('a payload that does not fit its digest');
  }
  return payload;
}

/** In this thread: for one block, handing it to another one and back takes as long as the work itself. */
function decompressed({ payload, length }: DataFrame): Uint8Array {
  try {
    // Bounded: a few bytes that claim to be gigabytes must not fill the memory.
    return zstdDecompressSync(payload, {
      maxOutputLength: length,
      // Of one more: a buffer that is filled to its end is followed by another one.
      chunkSize: Math.max(64, length + 1),
    });
  } catch {
    throw new FrameFault('a payload that cannot be decompressed');
  }
}
