import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { decodeFrame, frameBytesNeeded } from '../../shared/contracts/transfer-codec.ts';
import { type AnyFrame, FrameFault } from '../../shared/contracts/transfer-protocol.ts';

/** Enough for a sender, to whom little is said; a receiver's grows with its frames. There may be dozens of either. */
const INITIAL_BYTES = 64 * 1024;

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

  /**
   * The next frame; `null` when the peer closed the connection between frames. Its bytes are only lent: they
   * are overwritten by what comes next. Throws FrameFault.
   */
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

/** One buffer for all frames of a connection: a new one for each would keep the collector busy. */
class ReceivedBytes {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #start = 0;
  #end = 0;

  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  add(chunk: Buffer): void {
    this.#makeRoom(chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  takeFrame(): AnyFrame | null {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    if (bytes.length < frameBytesNeeded(bytes)) return null;
    const decoded = decodeFrame(bytes);
    if (decoded === null) return null;
    this.#start += decoded.consumed;
    return decoded.frame;
  }

  #makeRoom(length: number): void {
    if (this.#end + length <= this.#buffer.length) return;
    const held = this.#end - this.#start;
    const isTooSmall = held + length > this.#buffer.length;
    const target = isTooSmall
      ? Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, held + length))
      : this.#buffer;
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    [this.#start, this.#end] = [0, held];
  }
}
