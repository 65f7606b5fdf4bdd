import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import {
  decodeFrame,
  FrameFault,
  type JsonFrame,
  type TransferFrame,
} from '../../shared/contracts/transfer-protocol.ts';

export type AnyFrame = TransferFrame | JsonFrame;

/** Frames over a connection, with back-pressure both ways. */
export class FrameStream {
  readonly #socket: Duplex;
  readonly #incoming: AsyncIterator<Buffer>;
  #buffered: Buffer = Buffer.alloc(0);

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#incoming = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#socket.destroyed) throw new Error('the connection is closed');
    if (!this.#socket.write(bytes)) {
      await Promise.race([once(this.#socket, 'drain'), closed(this.#socket)]);
    }
  }

  /** The next frame; `null` when the peer closed the connection between frames. Throws FrameFault. */
  async receive(): Promise<AnyFrame | null> {
    for (;;) {
      const decoded = decodeFrame(this.#buffered);
      if (decoded !== null) {
        this.#buffered = this.#buffered.subarray(decoded.consumed);
        return decoded.frame;
      }
      const next = await this.#incoming.next();
      if (next.done === true) {
        if (this.#buffered.length > 0) throw new FrameFault('a truncated frame at the end');
        return null;
      }
      const chunk = next.value;
      this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function closed(socket: Duplex): Promise<never> {
  await once(socket, 'close');
  throw new Error('the connection was closed');
}
