import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { decodeFrame, frameBytesNeeded } from '../../shared/contracts/transfer-codec.ts';
import { type AnyFrame, FrameFault } from '../../shared/contracts/transfer-protocol.ts';

/** Frames over a connection, with back-pressure both ways. */
export class FrameStream {
  readonly #socket: Duplex;
  readonly #incoming: AsyncIterator<Buffer>;
  readonly #closed = new AbortController();
  readonly #received = new ReceivedBytes();

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#incoming = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    socket.once('close', () => this.#closed.abort());
  }

  /** Resolves when there is room for more. Throws when the connection is or becomes closed. */
  async send(...pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#socket.destroyed) throw new Error('the connection is closed');
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
    if (!this.#socket.writableNeedDrain) return;
    try {
      await once(this.#socket, 'drain', { signal: this.#closed.signal });
    } catch (error) {
      throw new Error('the connection was closed', { cause: error });
    }
  }

  /** The next frame; `null` when the peer closed the connection between frames. Throws FrameFault. */
  async receive(): Promise<AnyFrame | null> {
    for (;;) {
      const frame = this.#received.takeFrame();
      if (frame !== null) return frame;
      const next = await this.#incoming.next();
      if (next.done !== true) {
        this.#received.add(next.value);
        continue;
      }
      if (!this.#received.isEmpty) throw new FrameFault('a truncated frame at the end');
      return null;
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Reads and drops what still comes until the peer closes. Closing at once, with bytes unread, resets the
   * connection, and what was sent last would never arrive.
   */
  async drain(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.close(), timeoutMs);
    try {
      while ((await this.#incoming.next()).done !== true);
    } catch {
      // The peer is gone.
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Chunks as TLS hands them out, 16 KiB each: put together once a frame, not once a chunk. */
class ReceivedBytes {
  #chunks: Buffer[] = [];
  #length = 0;
  #needed = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  takeFrame(): AnyFrame | null {
    if (this.#length === 0 || this.#length < this.#needed) return null;
    const bytes = this.#joined();
    const decoded = decodeFrame(bytes);
    if (decoded === null) {
      this.#needed = frameBytesNeeded(bytes);
      return null;
    }
    const rest = bytes.subarray(decoded.consumed);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    this.#needed = 0;
    return decoded.frame;
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
