import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface LinkShape {
  readonly bitsPerSecond: number;
  /** Of one direction: half of the round trip. */
  readonly delayMs: number;
}

/** A full Ethernet frame of 1514 bytes carries 1448 bytes of a TCP stream. */
export const FRAME_SHARE = 1514 / 1448;
/** What a router holds before it makes the sender wait. */
const QUEUE_MS = 50;

/**
 * A line between process server and master target, for machines without netem: every byte, with the frame
 * headers it would have, takes its time on one line that all connections share, and arrives later. Losses
 * and TCP's own slow start are not shaped. Counts what passes.
 */
export class Link {
  bytesForth = 0;
  bytesBack = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(targetPort: number, shape: LinkShape) {
    const forth = new Line(shape);
    const back = new Line(shape);
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
      for (const socket of [near, far]) {
        socket.setNoDelay(true);
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
      }
      forth.carry(near, far, (count) => (this.bytesForth += count));
      back.carry(far, near, (count) => (this.bytesBack += count));
    });
  }

  static async start(targetPort: number, shape: LinkShape): Promise<Link> {
    const link = new Link(targetPort, shape);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** One direction of the line. */
class Line {
  readonly #shape: LinkShape;
  /** When the last byte of what was given to the line has left it. */
  #freeAtMs = 0;

  constructor(shape: LinkShape) {
    this.#shape = shape;
  }

  carry(from: Socket, to: Socket, onBytes: (count: number) => void): void {
    const waiting: { readonly atMs: number; readonly chunk: Buffer | null }[] = [];
    let timer: NodeJS.Timeout | undefined;
    const deliver = (): void => {
      timer = undefined;
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        const leftMs = next.atMs - performance.now();
        if (leftMs > 0) {
          timer = setTimeout(deliver, leftMs);
          return;
        }
        waiting.shift();
        if (next.chunk === null) to.end();
        else to.write(next.chunk);
      }
    };
    const enqueue = (chunk: Buffer | null): void => {
      waiting.push({ atMs: this.#freeAtMs + this.#shape.delayMs, chunk });
      timer ??= setTimeout(deliver, Math.max(0, (waiting[0]?.atMs ?? 0) - performance.now()));
    };
    from.on('data', (chunk: Buffer) => {
      onBytes(chunk.length);
      const now = performance.now();
      const millisecondsOnLine = (chunk.length * FRAME_SHARE * 8000) / this.#shape.bitsPerSecond;
      this.#freeAtMs = Math.max(now, this.#freeAtMs) + millisecondsOnLine;
      enqueue(chunk);
      const tooLongMs = this.#freeAtMs - now - QUEUE_MS;
      if (tooLongMs <= 0) return;
      from.pause();
      setTimeout(() => from.resume(), tooLongMs);
    });
    from.on('end', () => {
      this.#freeAtMs = Math.max(performance.now(), this.#freeAtMs);
      enqueue(null);
    });
    from.on('error', () => to.destroy());
    from.on('close', (hadError) => {
      if (hadError) clearTimeout(timer);
    });
  }
}
