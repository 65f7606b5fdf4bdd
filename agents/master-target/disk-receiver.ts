import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { ReplicationMode } from '../../shared/contracts/commands.ts';
import {
  FRAME,
  FrameFault,
  type Hello,
  type TransferFrame,
} from '../../shared/contracts/transfer-protocol.ts';
import { Manifest } from './manifest.ts';
import { RedoFile } from './redo-file.ts';
import type { DiskRecord, ReplicationFolder, StagedDisk } from './replication-folder.ts';
import { TargetDisk } from './target-disk.ts';

const decompress = promisify(zstdDecompress);
/** Made durable, and acknowledged, at the latest after so many bytes. */
const SYNC_BYTES = 64 * 1024 * 1024;
const SYNC_MS = 1000;

/** Where received bytes go: straight to a disk that never was sealed, or into the journal. */
interface Sink {
  data(offset: number, bytes: Buffer, frame: TransferFrame): Promise<void>;
  zero(offset: number, length: number, frame: TransferFrame): Promise<void>;
  digest(block: number, digest: Uint8Array, frame: TransferFrame): Promise<void>;
  sync(): Promise<void>;
  readonly redoLength: number;
  close(): Promise<void>;
}

interface ReceiverOptions {
  readonly folder: ReplicationFolder;
  readonly disk: DiskRecord;
  readonly hello: Hello;
  readonly mode: ReplicationMode;
  readonly isSealed: boolean;
}

/** Takes one disk's frames in order, checks each, and says up to where everything is durable. */
export class DiskReceiver {
  readonly #options: ReceiverOptions;
  readonly #sink: Sink;
  #staged: StagedDisk;
  #sequence = 0;
  #end: number;
  #watermark: number;
  #unsyncedBytes = 0;
  #syncedAt = Date.now();

  private constructor(options: ReceiverOptions, sink: Sink, staged: StagedDisk) {
    this.#options = options;
    this.#sink = sink;
    this.#staged = staged;
    this.#end = staged.watermark;
    this.#watermark = staged.watermark;
  }

  /** Goes on where an earlier connection of the same point and mode ended, or starts afresh. */
  static async open(options: ReceiverOptions): Promise<DiskReceiver> {
    const { folder, disk, hello, mode, isSealed } = options;
    const known = await folder.staged(disk.diskId);
    const isSame = known?.pointId === hello.pointId && known.mode === mode;
    if (!isSame) await folder.clearStagedDisk(disk.diskId);
    const staged: StagedDisk = isSame
      ? known
      : {
          pointId: hello.pointId,
          snapshotName: hello.snapshotName,
          mode,
          isDirect: !isSealed,
          watermark: 0,
          redoLength: 0,
          isFinished: false,
        };
    // Before the first byte: a disk that we begin to write is blank no more.
    await folder.writeStaged(disk.diskId, staged);
    const sink = isSealed
      ? await JournalSink.open(folder.redoFile(disk.diskId), staged.redoLength)
      : await DirectSink.open(folder, disk);
    return new DiskReceiver(options, sink, staged);
  }

  /** Returns the watermark to acknowledge, `null` while there is nothing new. Throws FrameFault. */
  async take(frame: TransferFrame): Promise<number | null> {
    this.#checkOrder(frame);
    switch (frame.type) {
      case FRAME.data:
        await this.#data(frame);
        return null;
      case FRAME.zero:
        this.#advance(frame.offset, frame.length);
        await this.#sink.zero(frame.offset, frame.length, frame);
        return null;
      case FRAME.digest:
        await this.#sink.digest(frame.block, frame.digest, frame);
        return null;
      case FRAME.checkpoint:
        this.#watermark = Math.max(this.#watermark, frame.offset);
        return this.#isSyncDue() ? this.#makeDurable(false) : null;
      case FRAME.finish:
        this.#watermark = this.#options.disk.sizeBytes;
        return this.#makeDurable(true);
    }
  }

  get isFinished(): boolean {
    return this.#staged.isFinished;
  }

  async close(): Promise<void> {
    await this.#sink.close();
  }

  async #data(frame: Extract<TransferFrame, { type: typeof FRAME.data }>): Promise<void> {
    this.#advance(frame.offset, frame.length);
    const bytes = frame.isCompressed
      ? await decompress(frame.payload)
      : Buffer.from(frame.payload.buffer, frame.payload.byteOffset, frame.payload.byteLength);
    if (bytes.length !== frame.length) throw new FrameFault('a payload of the wrong length');
    if (!createHash('sha256').update(bytes).digest().equals(frame.digest)) {
      throw new FrameFault('a payload that does not fit its digest');
    }
    await this.#sink.data(frame.offset, bytes, frame);
    this.#unsyncedBytes += bytes.length;
  }

  #checkOrder({ sequence }: TransferFrame): void {
    if (sequence < this.#sequence) throw new FrameFault('a frame that came before');
    if (sequence > this.#sequence) throw new FrameFault('a frame out of order');
    this.#sequence += 1;
  }

  #advance(offset: number, length: number): void {
    if (offset < this.#end) throw new FrameFault('an offset that goes back');
    if (offset + length > this.#options.disk.sizeBytes) {
      throw new FrameFault('a range past the end of the disk');
    }
    this.#end = offset + length;
  }

  #isSyncDue(): boolean {
    return this.#unsyncedBytes >= SYNC_BYTES || Date.now() - this.#syncedAt >= SYNC_MS;
  }

  async #makeDurable(isFinished: boolean): Promise<number> {
    await this.#sink.sync();
    this.#staged = {
      ...this.#staged,
      watermark: this.#watermark,
      redoLength: this.#sink.redoLength,
      isFinished,
    };
    await this.#options.folder.writeStaged(this.#options.disk.diskId, this.#staged);
    this.#unsyncedBytes = 0;
    this.#syncedAt = Date.now();
    return this.#watermark;
  }
}

/** The initial replication: the disk is not bootable before its first seal anyhow. */
class DirectSink implements Sink {
  readonly redoLength = 0;
  readonly #disk: TargetDisk;
  readonly #manifest: Manifest;

  private constructor(disk: TargetDisk, manifest: Manifest) {
    this.#disk = disk;
    this.#manifest = manifest;
  }

  static async open(folder: ReplicationFolder, disk: DiskRecord): Promise<DirectSink> {
    const { diskId, device, sizeBytes } = disk;
    const target = await TargetDisk.open(diskId, device, { sizeBytes, isReadOnly: false });
    return new DirectSink(target, await Manifest.open(folder.manifestFile(diskId), sizeBytes));
  }

  async data(offset: number, bytes: Buffer): Promise<void> {
    await this.#disk.write(offset, bytes);
  }

  async zero(offset: number, length: number): Promise<void> {
    await this.#disk.zero(offset, length);
    await this.#manifest.setZero(offset, length);
  }

  async digest(block: number, digest: Uint8Array): Promise<void> {
    await this.#manifest.set(block, digest);
  }

  async sync(): Promise<void> {
    await this.#disk.sync();
    await this.#manifest.sync();
  }

  async close(): Promise<void> {
    await this.#disk.close();
    await this.#manifest.close();
  }
}

/** Every later point: nothing touches the disk before the seal. */
class JournalSink implements Sink {
  readonly #redo: RedoFile;

  private constructor(redo: RedoFile) {
    this.#redo = redo;
  }

  static async open(file: string, durableLength: number): Promise<JournalSink> {
    return new JournalSink(await RedoFile.open(file, durableLength));
  }

  get redoLength(): number {
    return this.#redo.length;
  }

  async data(
    _offset: number,
    bytes: Buffer,
    frame: Extract<TransferFrame, { type: typeof FRAME.data }>,
  ): Promise<void> {
    await this.#redo.append({ ...frame, isCompressed: false, payload: bytes });
  }

  async zero(_offset: number, _length: number, frame: TransferFrame): Promise<void> {
    await this.#redo.append(frame);
  }

  async digest(_block: number, _digest: Uint8Array, frame: TransferFrame): Promise<void> {
    await this.#redo.append(frame);
  }

  async sync(): Promise<void> {
    await this.#redo.sync();
  }

  async close(): Promise<void> {
    await this.#redo.close();
  }
}
