import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
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

/**
 * At the front of a file whose records have checksums. Files of an earlier version begin with the length of a record,
 * and read as one this is more than any record may have.
 */
const MARK = Buffer.from('FBJRNL2\n');
const CHECKSUM_BYTES = 4;

/** A frame of a journal file that is not what was written. The text names the fault. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile';
}

/**
 * A file of transfer frames, payloads uncompressed: what was changed (redo), or what was there before (undo). Each is
 * behind a CRC-32 of it without its payload, for which the digest among its fields vouches: where to, how much and what
 * kind is as important as the bytes. A file that an earlier version began goes on without checksums.
 */
export class FrameFile {
  readonly #handle: FileHandle;
  readonly #hasChecksums: boolean;
  /** Where the buffer begins in the file. */
  #flushed: number;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #buffered = 0;
  readonly #checksum = Buffer.alloc(CHECKSUM_BYTES);

  private constructor(handle: FileHandle, length: number, hasChecksums: boolean) {
    this.#handle = handle;
    this.#flushed = length;
    this.#hasChecksums = hasChecksums;
  }

  /** Opens the file and cuts off what was written after the last durable point. */
  static async open(file: string, durableLength: number): Promise<FrameFile> {
    const handle = await open(file, 'a').then(async (created) => {
      await created.close();
      return open(file, 'r+');
    });
    try {
      await handle.truncate(durableLength);
      if (durableLength > 0) return new FrameFile(handle, durableLength, await isMarked(handle));
      const begun = new FrameFile(handle, 0, true);
      await begun.#add(MARK);
      return begun;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get length(): number {
    return this.#flushed + this.#buffered;
  }

  /** Copies the frame: its bytes may be overwritten afterwards. */
  async append(frame: TransferFrame): Promise<void> {
    const [head, ...payload] = encodeTransfer(frame);
    if (head === undefined) return;
    if (this.#hasChecksums) {
      this.#checksum.writeUInt32BE(crc32(head));
      await this.#add(this.#checksum);
    }
    await this.#add(head);
    for (const piece of payload) await this.#add(piece);
  }

  async sync(): Promise<void> {
    await this.#flush();
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #add(piece: Uint8Array): Promise<void> {
    for (let done = 0; done < piece.length;) {
      if (this.#buffered === BUFFER_BYTES) await this.#flush();
      const part = piece.subarray(done, done + BUFFER_BYTES - this.#buffered);
      this.#buffer.set(part, this.#buffered);
      this.#buffered += part.length;
      done += part.length;
    }
  }

  async #flush(): Promise<void> {
    await writeWhole(this.#handle, this.#buffer.subarray(0, this.#buffered), this.#flushed);
    this.#flushed += this.#buffered;
    this.#buffered = 0;
  }
}

async function isMarked(handle: FileHandle): Promise<boolean> {
  const front = Buffer.alloc(MARK.length);
  await handle.read(front, 0, front.length, 0);
  return front.equals(MARK);
}

/**
 * Reads the frames back, up to the durable length. Throws DamagedFile, also where less is there than was written: cut
 * off between two records, a file reads as if nothing more had ever been in it.
 */
export async function* readFrames(file: string, length: number): AsyncGenerator<TransferFrame> {
  if (length === 0) return;
  let buffered: Buffer = Buffer.alloc(0);
  let readBytes = 0;
  let checksumBytes: number | null = null;
  for await (const chunk of chunksOf(file, length)) {
    readBytes += chunk.length;
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    if (checksumBytes === null) {
      if (buffered.length < Math.min(MARK.length, length)) continue;
      const hasMark = buffered.subarray(0, MARK.length).equals(MARK);
      checksumBytes = hasMark ? CHECKSUM_BYTES : 0;
      if (hasMark) buffered = buffered.subarray(MARK.length);
    }
    for (
      let record = whole(buffered, checksumBytes);
      record !== null;
      record = whole(buffered, checksumBytes)
    ) {
      buffered = buffered.subarray(record.consumed);
      yield intact(record.frame);
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

type Frame = NonNullable<ReturnType<typeof decodeFrame>>['frame'];

/** The record at the front; `null` while it is not complete. A header that makes no sense is damage like any other. */
function whole(
  bytes: Buffer,
  checksumBytes: number,
): { readonly frame: Frame; readonly consumed: number } | null {
  const encoded = bytes.subarray(checksumBytes);
  try {
    const decoded = encoded.length < frameBytesNeeded(encoded) ? null : decodeFrame(encoded);
    if (decoded === null) return null;
    const { frame, consumed } = decoded;
    if (checksumBytes > 0) {
      const head = encoded.subarray(0, consumed - payloadBytes(frame));
      if (crc32(head) !== bytes.readUInt32BE(0)) {
        throw new DamagedFile('a record does not fit its checksum');
      }
    }
    return { frame, consumed: checksumBytes + consumed };
  } catch (error) {
    if (!(error instanceof FrameFault)) throw error;
    throw new DamagedFile(error.message, { cause: error });
  }
}

function payloadBytes(frame: Frame): number {
  return frame.type === FRAME.data && 'payload' in frame ? frame.payload.length : 0;
}

function intact(frame: Frame): TransferFrame {
  if ('json' in frame || !('sequence' in frame)) throw new DamagedFile('a record of another kind');
  if (frame.type === FRAME.data && !isIntact(frame)) {
    throw new DamagedFile('a record does not fit its digest');
  }
  return frame;
}

function isIntact({ payload, digest }: { payload: Uint8Array; digest: Uint8Array }): boolean {
  return digestOf(payload).equals(digest);
}
