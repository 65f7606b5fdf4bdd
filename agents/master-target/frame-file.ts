import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  decodeFrame,
  encodeTransfer,
  frameBytesNeeded,
} from '../../shared/contracts/transfer-codec.ts';
import { FRAME, FrameFault, type TransferFrame } from '../../shared/contracts/transfer-protocol.ts';
import { digestOf } from '../runtime/block-bytes.ts';
import { codeOf } from '../runtime/error-code.ts';
import { writeWhole } from './write-whole.ts';

/** Appended at once when so much has come together: small changes must not cost a write each. */
const BUFFER_BYTES = 1024 * 1024;

/** A frame of a journal file that is not what was written. The text names the fault. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile';
}

/** A file of transfer frames, payloads uncompressed: what was changed (redo), or what was there before (undo). */
export class FrameFile {
  readonly #handle: FileHandle;
  /** Where the buffer begins in the file. */
  #flushed: number;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #buffered = 0;

  private constructor(handle: FileHandle, length: number) {
    this.#handle = handle;
    this.#flushed = length;
  }

  /** Opens the file and cuts off what was written after the last durable point. */
  static async open(file: string, durableLength: number): Promise<FrameFile> {
    const handle = await open(file, 'a').then(async (created) => {
      await created.close();
      return open(file, 'r+');
    });
    await handle.truncate(durableLength);
    return new FrameFile(handle, durableLength);
  }

  get length(): number {
    return this.#flushed + this.#buffered;
  }

  /** Copies the frame: its bytes may be overwritten afterwards. */
  async append(frame: TransferFrame): Promise<void> {
    for (const piece of encodeTransfer(frame)) {
      for (let done = 0; done < piece.length;) {
        if (this.#buffered === BUFFER_BYTES) await this.#flush();
        const part = piece.subarray(done, done + BUFFER_BYTES - this.#buffered);
        this.#buffer.set(part, this.#buffered);
        this.#buffered += part.length;
        done += part.length;
      }
    }
  }

  async sync(): Promise<void> {
    await this.#flush();
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    await writeWhole(this.#handle, this.#buffer.subarray(0, this.#buffered), this.#flushed);
    this.#flushed += this.#buffered;
    this.#buffered = 0;
  }
}

/**
 * Reads the frames back, up to the durable length. Throws DamagedFile, also where less is there than was written: cut
 * off between two records, a file reads as if nothing more had ever been in it.
 */
export async function* readFrames(file: string, length: number): AsyncGenerator<TransferFrame> {
  if (length === 0) return;
  let buffered: Buffer = Buffer.alloc(0);
  let readBytes = 0;
  for await (const chunk of chunksOf(file, length)) {
    readBytes += chunk.length;
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    for (let decoded = whole(buffered); decoded !== null; decoded = whole(buffered)) {
      buffered = buffered.subarray(decoded.consumed);
      yield intact(decoded.frame);
    }
  }
  if (buffered.length > 0) throw new DamagedFile('the last record is cut off');
  if (readBytes !== length) {
    throw new DamagedFile(`${basename(file)} has ${readBytes} of ${length} bytes`);
  }
}

async function* chunksOf(file: string, length: number): AsyncGenerator<Buffer> {
  try {
    const chunks = createReadStream(file, { end: length - 1, highWaterMark: BUFFER_BYTES });
    yield* chunks as AsyncIterable<Buffer>;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new DamagedFile(`${basename(file)} is not there any more`, { cause: error });
  }
}

/** The frame at the front; `null` while it is not complete. A header that makes no sense is damage like any other. */
function whole(bytes: Uint8Array): ReturnType<typeof decodeFrame> {
  try {
    return bytes.length < frameBytesNeeded(bytes) ? null : decodeFrame(bytes);
  } catch (error) {
    if (!(error instanceof FrameFault)) throw error;
    throw new DamagedFile(error.message, { cause: error });
  }
}

function intact(frame: NonNullable<ReturnType<typeof decodeFrame>>['frame']): TransferFrame {
  if ('json' in frame || !('sequence' in frame)) throw new DamagedFile('a record of another kind');
  if (frame.type === FRAME.data && !isIntact(frame)) {
    throw new DamagedFile('a record does not fit its digest');
  }
  return frame;
}

function isIntact({ payload, digest }: { payload: Uint8Array; digest: Uint8Array }): boolean {
  return digestOf(payload).equals(digest);
}
