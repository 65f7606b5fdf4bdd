import type { Duplex } from 'node:stream';
import { decodeFrame, frameBytesNeeded } from '../../shared/contracts/transfer-codec.ts';
import { type AnyFrame, FrameFault } from '../../shared/contracts/transfer-protocol.ts';

/** Enough for a sender, to whom little is said; a receiver's grows with its frames. There may be dozens of either. */
const INITIAL_BYTES = 64 * 1024;
const HEADER_BYTES = frameBytesNeeded(new Uint8Array());
/** Taken from the connection while a frame is worked on; more is left to the peer's window. */
const MAX_AHEAD_BYTES = 128 * 1024;

/**
 * Puts frames together from what a connection brings. It listens for data instead of iterating: TLS gives pieces of
 * 16 KiB at most, and a promise for each costs a tenth of all the CPU time that a receiver needs.
 */
export class IncomingFrames {
  readonly #socket: Duplex;
  readonly #received = new ReceivedBytes();
  /** Came while a frame was there or lent: adding it to the buffer would overwrite the frame, or swell it. */
  readonly #ahead: Buffer[] = [];
  #aheadBytes = 0;
  #isWaiting = false;
  #isDropping = false;
  #end: 'closed' | Error | null = null;
  #wake: () => void = () => undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.once('end', () => this.#endWith('closed'));
    // Stays: a connection may fail once more while it is torn down.
    socket.on('error', (error) => this.#endWith(error));
    socket.once('close', () => this.#endWith(new Error('the connection was closed')));
  }

  /**
   * The next frame; `null` when the peer closed the connection between frames. Its bytes are only lent: they
   * are overwritten by what comes next. Throws FrameFault, and what broke the connection.
   */
  async next(): Promise<AnyFrame | null> {
    for (;;) {
      const frame = this.#received.takeFrame();
      if (frame !== null) return frame;
      if (this.#aheadBytes > 0) this.#addWhatCameAhead();
      else if (this.#end === null) await this.#more();
      else if (this.#end !== 'closed') throw this.#end;
      else if (this.#received.isEmpty) return null;
      else throw new FrameFault('a truncated frame at the end');
    }
  }

  /** Drops what still comes, and resolves when nothing comes any more. */
  async drop(): Promise<void> {
    this.#isDropping = true;
    this.#socket.resume();
    while (this.#end === null) await this.#woken();
  }

  #take(chunk: Buffer): void {
    if (this.#isDropping) return;
    if (this.#isWaiting && !this.#received.isFrameThere) {
      this.#received.add(chunk);
      if (this.#received.isFrameThere) this.#wake();
      return;
    }
    this.#ahead.push(chunk);
    this.#aheadBytes += chunk.length;
    if (this.#aheadBytes >= MAX_AHEAD_BYTES) this.#socket.pause();
  }

  #addWhatCameAhead(): void {
    for (const chunk of this.#ahead) this.#received.add(chunk);
    this.#ahead.length = 0;
    this.#aheadBytes = 0;
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** Until a frame is there or the connection has ended. */
  async #more(): Promise<void> {
    this.#isWaiting = true;
    await this.#woken();
    this.#isWaiting = false;
  }

  async #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The first reason counts. */
  #endWith(reason: 'closed' | Error): void {
    this.#end ??= reason;
    this.#wake();
  }
}

/** One buffer for all frames of a connection: a new one for each would keep the collector busy. */
class ReceivedBytes {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #start = 0;
  #end = 0;
  /** What the frame at the front takes, as far as that is known. */
  #needed = HEADER_BYTES;

  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** Or at least what tells how long it is. */
  get isFrameThere(): boolean {
    return this.#end - this.#start >= this.#needed;
  }

  add(chunk: Buffer): void {
    this.#makeRoom(chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  takeFrame(): AnyFrame | null {
    if (!this.isFrameThere) return null;
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#needed = frameBytesNeeded(bytes);
    const decoded = decodeFrame(bytes);
    if (decoded === null) return null;
    this.#start += decoded.consumed;
    this.#needed = HEADER_BYTES;
    return decoded.frame;
  }

  #makeRoom(length: number): void {
    if (this.#end + length <= this.#buffer.length) return;
    const held = this.#end - this.#start;
    const isTooSmall = held + length > this.#buffer.length;
    const target = isTooSmall
      ? Buffer.allocUnsafeSlow(Math.max(this.#needed + MAX_AHEAD_BYTES, held + length))
      : this.#buffer;
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    [this.#start, this.#end] = [0, held];
  }
}
