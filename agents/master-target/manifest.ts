import { type FileHandle, open, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DIGEST_BYTES } from '../../shared/contracts/transfer-protocol.ts';
import { invariant } from '../../shared/domain/assert.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { digestOf, isZero } from '../runtime/block-bytes.ts';
import { sizeIfThere, syncFolder } from './durable-file.ts';
import { writeWhole } from './write-whole.ts';

/** Stands for a block of which nothing is known: equal to no block. */
const UNKNOWN_ENTRY = Buffer.alloc(DIGEST_BYTES, 0xff);

/** Stands for a block of zeros: a new manifest is a sparse file. */
const ZERO_ENTRY = Buffer.alloc(DIGEST_BYTES);

/** Entries that wait for being written together. */
const BATCH = 4096;

/** Digest of every block of a disk at the source; one file a disk, 32 bytes a block. */
export class Manifest {
  readonly #handle: FileHandle;
  /** Neighbouring entries that were set but not written yet. */
  readonly #pending = Buffer.allocUnsafeSlow(BATCH * DIGEST_BYTES);
  #pendingFirst = 0;
  #pendingCount = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /**
   * Opens the manifest, or makes one that says "all zeros", or "all unknown" where a manifest must have been. One of
   * another length was damaged or belongs to another size: nothing it says is believed.
   */
  static async open(
    file: string,
    sizeBytes: number,
    whenMissing: 'zeros' | 'unknown' = 'zeros',
  ): Promise<Manifest> {
    const handle = await open(file, 'a+').then(async (created) => {
      await created.close();
      return open(file, 'r+');
    });
    const manifest = new Manifest(handle);
    try {
      await manifest.#makeFit(blockCount(sizeBytes), whenMissing);
      // Whoever made it may not have come that far.
      await syncFolder(dirname(file));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return manifest;
  }

  /**
   * Makes a manifest fit its disk, which became larger: what it says of the smaller one stays, what was added is zeros.
   * One of another length has grown already, or was damaged and says nothing when it is opened. Durable with a sync.
   */
  static async grow(
    file: string,
    { fromBytes, toBytes }: { readonly fromBytes: number; readonly toBytes: number },
  ): Promise<void> {
    const length = await sizeIfThere(file);
    if (length !== blockCount(fromBytes) * DIGEST_BYTES) return;
    await truncate(file, blockCount(toBytes) * DIGEST_BYTES);
  }

  /** Written at the latest with the next sync. Copies the digest. */
  async set(block: number, digest: Uint8Array): Promise<void> {
    const isNext = block === this.#pendingFirst + this.#pendingCount;
    if (!isNext || this.#pendingCount === BATCH) {
      await this.#flush();
      this.#pendingFirst = block;
    }
    this.#pending.set(digest, this.#pendingCount * DIGEST_BYTES);
    this.#pendingCount += 1;
  }

  /** The block's content is about to change over there; until the change is complete, nobody knows it. */
  async forget(block: number): Promise<void> {
    await this.set(block, UNKNOWN_ENTRY);
  }

  /** Blocks that are zero from start to end. */
  async setZero(offset: number, length: number): Promise<void> {
    await this.#flush();
    const first = Math.ceil(offset / BLOCK_BYTES);
    const last = Math.ceil((offset + length) / BLOCK_BYTES);
    const entries = Buffer.alloc(Math.min(last - first, 65_536) * DIGEST_BYTES);
    for (let block = first; block < last; block += 65_536) {
      const count = Math.min(65_536, last - block);
      const part = entries.subarray(0, count * DIGEST_BYTES);
      await writeWhole(this.#handle, part, block * DIGEST_BYTES);
    }
  }

  /** Digests of consecutive blocks. */
  async read(firstBlock: number, count: number): Promise<readonly Buffer[]> {
    await this.#flush();
    const bytes = Buffer.alloc(count * DIGEST_BYTES);
    const start = firstBlock * DIGEST_BYTES;
    for (let done = 0; done < bytes.length;) {
      const left = bytes.length - done;
      const { bytesRead } = await this.#handle.read(bytes, done, left, start + done);
      // What cannot be read must not pass for a block of zeros.
      invariant(bytesRead > 0, `The manifest ends before block ${firstBlock + count}`);
      done += bytesRead;
    }
    return Array.from({ length: count }, (_, index) =>
      bytes.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES),
    );
  }

  async sync(): Promise<void> {
    await this.#flush();
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #makeFit(blocks: number, whenMissing: 'zeros' | 'unknown'): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size === blocks * DIGEST_BYTES) return;
    await this.#handle.truncate(blocks * DIGEST_BYTES);
    if (size !== 0 || whenMissing === 'unknown') {
      for (let block = 0; block < blocks; block += 1) await this.forget(block);
      await this.#flush();
    }
    // Its length, too: a part of it must not be taken for damage after a power cut.
    await this.#handle.sync();
  }

  async #flush(): Promise<void> {
    const length = this.#pendingCount * DIGEST_BYTES;
    this.#pendingCount = 0;
    const entries = this.#pending.subarray(0, length);
    await writeWhole(this.#handle, entries, this.#pendingFirst * DIGEST_BYTES);
  }
}

export function blockCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES);
}

/** What the manifest holds for a block with these bytes. */
export function entryOf(bytes: Buffer): Buffer {
  return isZero(bytes) ? ZERO_ENTRY : digestOf(bytes);
}

/** The digest of zeros and the entry for zeros mean the same. */
export function isSame(entry: Uint8Array, bytes: Buffer): boolean {
  return ZERO_ENTRY.equals(entry) ? isZero(bytes) : digestOf(bytes).equals(entry);
}
