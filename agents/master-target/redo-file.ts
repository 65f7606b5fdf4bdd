import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import {
  decodeFrame,
  encodeTransfer,
  FRAME,
  type TransferFrame,
} from '../../shared/contracts/transfer-protocol.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';

/** Changes of one disk that are received but not applied: the frames as they came, decompressed. */
export class RedoFile {
  readonly #handle: FileHandle;
  #length: number;

  private constructor(handle: FileHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
  }

  /** Opens the file and cuts off what was written after the last durable point. */
  static async open(file: string, durableLength: number): Promise<RedoFile> {
    const handle = await open(file, 'a').then(async (created) => {
      await created.close();
      return open(file, 'r+');
    });
    await handle.truncate(durableLength);
    return new RedoFile(handle, durableLength);
  }

  get length(): number {
    return this.#length;
  }

  async append(frame: TransferFrame): Promise<void> {
    const bytes = encodeTransfer(frame);
    await this.#handle.write(bytes, 0, bytes.length, this.#length);
    this.#length += bytes.length;
  }

  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Reads the records back, up to the durable length. Throws FB-JRN-002 when one is damaged. */
export async function* readRedo(
  file: string,
  request: { readonly length: number; readonly diskId: string; readonly pointId: string },
): AsyncGenerator<TransferFrame> {
  if (request.length === 0) return;
  let buffered: Buffer = Buffer.alloc(0);
  const { diskId, pointId } = request;
  const damaged = (reason: string): FailbackError =>
    new FailbackError('FB-JRN-002', { diskId, pointId, reason });
  const stream = createReadStream(file, { end: request.length - 1, highWaterMark: 1024 * 1024 });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
    for (;;) {
      const decoded = decodeFrame(buffered);
      if (decoded === null) break;
      buffered = buffered.subarray(decoded.consumed);
      if ('json' in decoded.frame) throw damaged('a record of another kind');
      if (!isIntact(decoded.frame)) throw damaged('a record does not fit its digest');
      yield decoded.frame;
    }
  }
  if (buffered.length > 0) throw damaged('the last record is cut off');
}

function isIntact(frame: TransferFrame): boolean {
  if (frame.type !== FRAME.data) return true;
  return createHash('sha256').update(frame.payload).digest().equals(frame.digest);
}
