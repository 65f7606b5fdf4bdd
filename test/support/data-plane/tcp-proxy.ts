import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** Called before a chunk goes on to the master target: may wait, or cut the connection. */
type BeforeChunk = (connection: number, sentBytes: number) => Promise<void>;

/** The link between both sites: counts, holds back and breaks. */
export class TcpProxy {
  /** Bytes towards the master target, one entry a connection. */
  readonly sentBytes: number[] = [];
  beforeChunk: BeforeChunk = async () => undefined;
  targetPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isReady: Promise<unknown> = Promise.resolve();

  private constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.#server = createServer((client) => {
      client.on('error', () => undefined);
      this.#isReady.then(() => this.#serve(client)).catch(() => client.destroy());
    });
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that come meanwhile wait for the port that it tells. */
  async moveTarget(move: () => Promise<number>): Promise<void> {
    const moving = move();
    this.#isReady = moving;
    this.targetPort = await moving;
  }

  /** Breaks every connection without a word, as a lost link does. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(client: Socket): void {
    if (client.destroyed) return;
    const connection = this.sentBytes.push(0) - 1;
    const target = connect(this.targetPort, '127.0.0.1');
    for (const socket of [client, target]) {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    }
    client.on('close', () => target.destroy());
    target.on('close', () => client.destroy());
    target.pipe(client);
    pipeline(
      client,
      (chunks: AsyncIterable<Buffer>) => this.#pass(chunks, connection),
      target,
    ).catch(() => undefined);
  }

  async *#pass(chunks: AsyncIterable<Buffer>, connection: number): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      await this.beforeChunk(connection, this.sentBytes[connection] ?? 0);
      this.sentBytes[connection] = (this.sentBytes[connection] ?? 0) + chunk.length;
      yield chunk;
    }
  }
}
