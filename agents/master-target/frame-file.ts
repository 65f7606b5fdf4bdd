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
 * Reads the frames back, up to the durable length; each has memory of its own. Throws DamagedFile, also where less is
 * there than was written: cut off between two records, a file reads as if nothing more had ever been in it.
 */
export async function* readFrames(file: string, length: number): AsyncGenerator<TransferFrame> {
  if (length === 0) return;
  const handle = await openIfThere(file);
  try {
    const ahead = new ReadAhead(handle, length);
    let checksumBytes: number | null = null;
    while (await ahead.more()) {
      if (checksumBytes === null) {
        if (ahead.bytes.length < Math.min(MARK.length, length)) continue;
        const hasMark = ahead.bytes.subarray(0, MARK.length).equals(MARK);
        checksumBytes = hasMark ? CHECKSUM_BYTES : 0;
        if (hasMark) ahead.drop(MARK.length);
      }
      for (
        let record = whole(ahead.bytes, checksumBytes);
        record !== null;
        record = whole(ahead.bytes, checksumBytes)
      ) {
        ahead.drop(record.consumed);
        yield intact(record.frame);
      }
    }
    if (ahead.bytes.length > 0) throw new DamagedFile('the last record is cut off');
    if (ahead.readBytes !== length) {
      throw new DamagedFile(`${basename(file)} has ${ahead.readBytes} of ${length} bytes`);
    }
  } finally {
    await handle.close();
  }
}

async function openIfThere(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new DamagedFile(`${basename(file)} is not there any more`, { cause: error });
  }
}

/**
 * The front of what was not taken yet, in one buffer. A new one for each megabyte would live as long as the last of its
 * records, and some sixty of them come together before V8 looks for them.
 */
class ReadAhead {
  readonly #handle: FileHandle;
  readonly #length: number;
  #buffer: Buffer;
  #start = 0;
  #end = 0;
  #readBytes = 0;

  constructor(handle: FileHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(BUFFER_BYTES, length));
  }

  /** Overwritten by what is read next. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  get readBytes(): number {
    return this.#readBytes;
  }

  drop(length: number): void {
    this.#start += length;
  }

  /** Reads on; `false` at the end. */
  async more(): Promise<boolean> {
    this.#makeRoom();
    const room = Math.min(this.#length - this.#readBytes, this.#buffer.length - this.#end);
    const { bytesRead } = await this.#handle.read(this.#buffer, this.#end, room, this.#readBytes);
    this.#readBytes += bytesRead;
    this.#end += bytesRead;
    return bytesRead > 0;
  }

  /** A record may be larger than the buffer. */
  #makeRoom(): void {
    const held = this.bytes;
    const isFull = held.length === this.#buffer.length;
    const target = isFull ? Buffer.allocUnsafeSlow(2 * held.length) : this.#buffer;
    held.copy(target);
    this.#buffer = target;
    [this.#start, this.#end] = [0, held.length];
  }
}

type Frame = NonNullable<ReturnType<typeof decodeFrame>>['frame'];

/**
 * A copy of the record at the front; `null` while it is not complete. A header that makes no sense is damage like any
 * other.
 */
function whole(
  bytes: Buffer,
  checksumBytes: number,
): { readonly frame: Frame; readonly consumed: number } | null {
  const encoded = bytes.subarray(checksumBytes);
  try {
    const needed = frameBytesNeeded(encoded);
    if (encoded.length < needed) return null;
    const decoded = decodeFrame(Buffer.from(encoded.subarray(0, needed)));
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
