import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf } from '../runtime/error-code.ts';
import { ALIGNMENT_BYTES, alignedBuffers, isAligned } from './aligned-buffers.ts';
import { writeWhole } from './write-whole.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * A file or disk past the page cache. After a write that failed the kernel keeps the new bytes in the cache and calls
 * them clean: every later read is told that they are on the disk, and every later sync succeeds. And what is written
 * once, to be read by another machine, costs the page cache more CPU time than everything else the disk needs.
 */
export class DirectFile {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** `null` where the operating system or the file system has nothing of the kind. */
  static async open(
    path: string,
    { isReadOnly }: { readonly isReadOnly: boolean },
  ): Promise<DirectFile | null> {
    const flag: number | undefined = constants.O_DIRECT;
    if (flag === undefined) return null;
    try {
      const handle = await open(path, (isReadOnly ? constants.O_RDONLY : constants.O_RDWR) | flag);
      return await new DirectFile(handle).#tried();
    } catch (error) {
      if (isRefusal(error)) return null;
      throw error;
    }
  }

  /** Fills the buffer up to the end of the file, and returns how much that was. */
  async readInto(buffer: Buffer, offset: number): Promise<number> {
    return this.#withChunk(async (chunk) => {
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
    });
  }

  /** Offset and length are multiples of the alignment; memory that is not aligned is copied first. */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    if (isAligned(bytes)) return writeWhole(this.#handle, bytes, offset);
    await this.#withChunk(async (chunk) => {
      for (let done = 0; done < bytes.length; done += CHUNK_BYTES) {
        const part = bytes.subarray(done, done + CHUNK_BYTES);
        chunk.set(part);
        await writeWhole(this.#handle, chunk.subarray(0, part.length), offset + done);
      }
    });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #withChunk<T>(work: (chunk: Buffer) => Promise<T>): Promise<T> {
    const chunk = alignedBuffers.take(CHUNK_BYTES);
    try {
      return await work(chunk);
    } finally {
      alignedBuffers.giveBack(chunk);
    }
  }

  /** Some file systems refuse only the first read. */
  async #tried(): Promise<DirectFile> {
    try {
      await this.readInto(Buffer.alloc(1), 0);
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }
}

function aligned(lengthBytes: number): number {
  return Math.ceil(lengthBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function isRefusal(error: unknown): boolean {
  return ['EINVAL', 'EOPNOTSUPP'].includes(codeOf(error));
}
