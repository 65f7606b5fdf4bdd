import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { AnyFrame } from '../../shared/contracts/transfer-protocol.ts';
import { IncomingFrames } from './incoming-frames.ts';

/** Frames over a connection, with back-pressure both ways. */
export class FrameStream {
  readonly #socket: Duplex;
  readonly #incoming: IncomingFrames;
  readonly #closed = new AbortController();

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#incoming = new IncomingFrames(socket);
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
   * are overwritten by what comes next. Throws FrameFault, and what broke the connection.
   */
  async receive(): Promise<AnyFrame | null> {
    return this.#incoming.next();
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
    await this.#incoming.drop();
    clearTimeout(timer);
  }
}
