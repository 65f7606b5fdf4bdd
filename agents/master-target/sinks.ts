import { dirname } from 'node:path';
import { FRAME, FrameFault, type TransferFrame } from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { alignedBuffers } from './aligned-buffers.ts';
import { syncFolder } from './durable-file.ts';
import { FrameFile } from './frame-file.ts';
import type { DiskRecord } from './journal-records.ts';
import type { Manifest } from './manifest.ts';
import { openDisk } from './open-disk.ts';
import { OpenFiles } from './open-files.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import type { TargetDisk } from './target-disk.ts';

export type ChangeFrame = Exclude<
  TransferFrame,
  { readonly type: typeof FRAME.checkpoint } | { readonly type: typeof FRAME.finish }
>;

/** Where received changes go; payloads are decompressed and checked by then. */
export interface Sink {
  take(frame: ChangeFrame): Promise<void>;
  /** Makes everything taken so far durable. */
  sync(): Promise<void>;
  readonly redoLength: number;
  close(): Promise<void>;
}

const GATHER_BYTES = 2 * BLOCK_BYTES;

/** The initial replication writes to the disk itself: it cannot boot before its first seal anyhow. */
export class DirectSink implements Sink {
  readonly redoLength = 0;
  readonly #disk: TargetDisk;
  readonly #manifest: Manifest;
  readonly #sizeBytes: number;
  /** Filled while another one is written. */
  #buffer: Buffer | null = null;
  #gatheredAt = 0;
  #gathered = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(disk: TargetDisk, manifest: Manifest, sizeBytes: number) {
    this.#disk = disk;
    this.#manifest = manifest;
    this.#sizeBytes = sizeBytes;
  }

  static async open(folder: ReplicationFolder, disk: DiskRecord): Promise<DirectSink> {
    const files = new OpenFiles();
    try {
      const opened = await openDisk(files, folder, { record: disk, isReadOnly: false });
      return new DirectSink(opened.disk, opened.manifest, disk.sizeBytes);
    } catch (error) {
      await files.close();
      throw error;
    }
  }

  async take(frame: ChangeFrame): Promise<void> {
    switch (frame.type) {
      case FRAME.data:
        this.#expectWhole(frame.offset, frame.length);
        await this.#gather(frame.offset, frame.payload);
        await this.#manifest.set(frame.offset / BLOCK_BYTES, frame.digest);
        return;
      case FRAME.zero:
        this.#expectWhole(frame.offset, frame.length);
        await this.#disk.zero(frame.offset, frame.length);
        await this.#manifest.setZero(frame.offset, frame.length);
        return;
      case FRAME.same:
        await this.#manifest.set(frame.block, frame.digest);
        return;
    }
  }

  async sync(): Promise<void> {
    await this.#flush();
    await this.#writing;
    await this.#disk.sync();
    await this.#manifest.sync();
  }

  async close(): Promise<void> {
    // Whether it failed is of interest to those only who go on or sync.
    await this.#writing.catch(() => undefined);
    if (this.#buffer !== null) alignedBuffers.giveBack(this.#buffer);
    this.#buffer = null;
    await this.#disk.close();
    await this.#manifest.close();
  }

  /** Neighbouring blocks go to the disk in one write. */
  async #gather(offset: number, bytes: Uint8Array): Promise<void> {
    const isNext = offset === this.#gatheredAt + this.#gathered;
    if (!isNext || this.#gathered + bytes.length > GATHER_BYTES) {
      await this.#flush();
      this.#gatheredAt = offset;
    }
    this.#buffer ??= alignedBuffers.take(GATHER_BYTES);
    this.#buffer.set(bytes, this.#gathered);
    this.#gathered += bytes.length;
  }

  async #flush(): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === null) return;
    await this.#writing;
    const full = buffer.subarray(0, this.#gathered);
    this.#writing = this.#disk
      .write(this.#gatheredAt, full)
      .finally(() => alignedBuffers.giveBack(buffer));
    this.#writing.catch(() => undefined);
    [this.#buffer, this.#gathered] = [null, 0];
  }

  /** Without an older state to build on, only whole blocks have a digest. */
  #expectWhole(offset: number, length: number): void {
    const end = offset + length;
    const isWhole =
      offset % BLOCK_BYTES === 0 && (end % BLOCK_BYTES === 0 || end === this.#sizeBytes);
    if (!isWhole) throw new FrameFault('a part of a block where only whole ones may come');
  }
}

/** Every later point: nothing touches the disk before the seal. */
export class JournalSink implements Sink {
  readonly #redo: FrameFile;

  private constructor(redo: FrameFile) {
    this.#redo = redo;
  }

  static async open(file: string, durableLength: number): Promise<JournalSink> {
    const redo = await FrameFile.open(file, durableLength);
    // Before its lane says that it holds something.
    if (durableLength === 0) {
      await syncFolder(dirname(file)).catch(async (error: unknown) => {
        await redo.close();
        throw error;
      });
    }
    return new JournalSink(redo);
  }

  get redoLength(): number {
    return this.#redo.length;
  }

  async take(frame: ChangeFrame): Promise<void> {
    await this.#redo.append(frame);
  }

  async sync(): Promise<void> {
    await this.#redo.sync();
  }

  async close(): Promise<void> {
    await this.#redo.close();
  }
}
