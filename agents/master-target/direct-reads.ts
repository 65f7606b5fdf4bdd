import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf } from '../runtime/error-code.ts';

/** Fits every disk and file system that we know of. */
const ALIGNMENT_BYTES = 4096;
const CHUNK_BYTES = 256 * 1024;

/**
 * Reads of a file that go past the page cache. After a write that failed the kernel keeps the new bytes in the cache and
 * calls them clean: every later read is told that they are on the disk, and every later sync succeeds.
 */
export class DirectReads {
  readonly #handle: FileHandle;
  /** Chunks that no read uses now. */
  readonly #free: Buffer[] = [];

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** `null` where the operating system or the file system has nothing of the kind. */
  static async open(path: string): Promise<DirectReads | null> {
    const flag: number | undefined = constants.O_DIRECT;
    if (flag === undefined) return null;
    try {
      const handle = await open(path, constants.O_RDONLY | flag);
      return await new DirectReads(handle).#tried();
    } catch (error) {
      if (isRefusal(error)) return null;
      throw error;
    }
  }

  /** Fills the buffer up to the end of the file, and returns how much that was. */
  async readInto(buffer: Buffer, offset: number): Promise<number> {
    const chunk = this.#free.pop() ?? alignedBuffer();
    try {
      let done = 0;
      while (done < buffer.length) {
        const skipped = (offset + done) % ALIGNMENT_BYTES;
        const at = offset + done - skipped;
        const wanted = Math.min(CHUNK_BYTES, aligned(skipped + buffer.length - done));
        const { bytesRead } = await this.#handle.read(chunk, 0, wanted, at);
        if (bytesRead <= skipped) break;
        done += chunk.copy(buffer, done, skipped, bytesRead);
      }
      return done;
    } finally {
      this.#free.push(chunk);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Some file systems refuse only the first read. */
  async #tried(): Promise<DirectReads> {
    try {
      await this.readInto(Buffer.alloc(1), 0);
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }
}

/** Direct reads want memory that begins at a page, which Node gives to buffers that could grow, and to no others. */
function alignedBuffer(): Buffer {
  return Buffer.from(new ArrayBuffer(CHUNK_BYTES, { maxByteLength: CHUNK_BYTES }));
}

function aligned(lengthBytes: number): number {
  return Math.ceil(lengthBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function isRefusal(error: unknown): boolean {
  return ['EINVAL', 'EOPNOTSUPP'].includes(codeOf(error));
}
