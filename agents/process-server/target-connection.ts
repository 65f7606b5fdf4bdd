import type { Duplex } from 'node:stream';
import { encodeJson, encodeTransfer } from '../../shared/contracts/transfer-codec.ts';
import {
  ackSchema,
  type AnyFrame,
  type Begin,
  creditSchema,
  FRAME,
  type Hello,
  type HelloAnswer,
  helloAnswerSchema,
  refusalSchema,
  type TransferFrame,
} from '../../shared/contracts/transfer-protocol.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { FrameStream } from '../runtime/frame-stream.ts';
import { Credit } from './credit.ts';

export interface Transport {
  connect(host: string, port: number): Promise<Duplex>;
}

export interface TargetAddress {
  readonly host: string;
  readonly port: number;
}

/** After a connection broke, what the peer said last may still be on its way. */
const LAST_WORDS_MS = 500;

const NOTHING = Buffer.alloc(0);

/** One connection to a master target. Failures are FailbackErrors: FB-DATA-001, or what the peer refused with. */
export class TargetConnection {
  readonly answer: HelloAnswer;
  readonly #socket: Duplex;
  readonly #stream: FrameStream;
  readonly #address: TargetAddress;
  readonly #credit: Credit;
  readonly #digests: { resolve(digests: Uint8Array): void; reject(error: Error): void }[] = [];
  #listening: Promise<void> | undefined;
  #failure: Error | null = null;

  private constructor(parts: {
    readonly socket: Duplex;
    readonly stream: FrameStream;
    readonly address: TargetAddress;
    readonly answer: HelloAnswer;
  }) {
    const { answer } = parts;
    this.#socket = parts.socket;
    this.#stream = parts.stream;
    this.#address = parts.address;
    this.answer = answer;
    this.#credit = new Credit(answer.creditBytes);
  }

  static async open(
    transport: Transport,
    address: TargetAddress,
    hello: Hello,
  ): Promise<TargetConnection> {
    const socket = await transport
      .connect(address.host, address.port)
      .catch((error: unknown): never => {
        throw unreachable(address, error);
      });
    const stream = new FrameStream(socket);
    try {
      await stream.send(encodeJson(FRAME.hello, hello));
      const frame = await stream.receive();
      if (frame === null || !('json' in frame)) throw new Error('it closed the connection');
      if (frame.type === FRAME.refusal) throw refusedBy(frame.json);
      const answer = helloAnswerSchema.parse(frame.json);
      return new TargetConnection({ socket, stream, address, answer });
    } catch (error) {
      stream.close();
      throw error instanceof FailbackError ? error : unreachable(address, error);
    }
  }

  async begin(begin: Begin, onAck: (watermark: number) => void): Promise<void> {
    await this.#guard(this.#stream.send(encodeJson(FRAME.begin, begin)));
    this.#listening = this.#listen(onAck).catch((error: unknown) => this.#fail(error));
  }

  /** How long frames waited until the target had taken in earlier ones, in milliseconds. */
  get waitedMs(): number {
    return this.#credit.waitedMs;
  }

  /** Sends one frame; a payload waits for credit. */
  async send(frame: TransferFrame): Promise<void> {
    if (frame.type === FRAME.data) await this.#guard(this.#credit.take(frame.payload.length));
    await this.#guard(this.#stream.send(...encodeTransfer(frame)));
  }

  /** Resolves when the connection holds no bytes any more of what was sent before. Throws when it broke. */
  async flushed(): Promise<void> {
    if (this.#socket.writableLength === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(NOTHING, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** What the target holds in consecutive blocks: 32 bytes each. */
  async digests(block: number, count: number): Promise<Uint8Array> {
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      this.#digests.push({ resolve, reject });
    });
    // Awaited by the caller; while the question is on its way nobody else does.
    answer.catch(() => undefined);
    if (this.#failure !== null) this.#fail(this.#failure);
    await this.#guard(
      this.#stream.send(...encodeTransfer({ type: FRAME.digestQuery, block, count })),
    );
    return answer;
  }

  /** Resolves when the target says that everything is durable. */
  async finished(): Promise<void> {
    await this.#listening;
    if (this.#failure !== null) throw this.#failure;
  }

  close(): void {
    this.#stream.close();
  }

  async #listen(onAck: (watermark: number) => void): Promise<void> {
    for (;;) {
      const frame = await this.#stream.receive();
      if (frame === null) throw new Error('it closed the connection');
      if (frame.type === FRAME.finished) return;
      this.#take(frame, onAck);
    }
  }

  #take(frame: AnyFrame, onAck: (watermark: number) => void): void {
    if (frame.type === FRAME.digestAnswer && 'digests' in frame) {
      // The frame's bytes are only lent.
      this.#digests.shift()?.resolve(Uint8Array.from(frame.digests));
    }
    if (!('json' in frame)) return;
    if (frame.type === FRAME.ack) onAck(ackSchema.parse(frame.json).watermark);
    if (frame.type === FRAME.credit) this.#credit.give(creditSchema.parse(frame.json).bytes);
    if (frame.type === FRAME.refusal) throw refusedBy(frame.json);
  }

  #fail(error: unknown): void {
    const failure = error instanceof FailbackError ? error : unreachable(this.#address, error);
    this.#failure ??= failure;
    this.#credit.fail(this.#failure);
    for (const waiting of this.#digests.splice(0)) waiting.reject(this.#failure);
    this.#stream.close();
  }

  /** The reason why a connection broke is in what the peer said last. */
  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const timeout = new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS).unref());
      await Promise.race([this.#listening, timeout]);
      throw this.#failure ?? unreachable(this.#address, error);
    }
  }
}

function unreachable({ host, port }: TargetAddress, error: unknown): FailbackError {
  const reason = error instanceof Error ? error.message : String(error);
  return new FailbackError('FB-DATA-001', { host, port, reason }, { cause: error });
}

/** The master target's own error, under its own code. */
function refusedBy(json: unknown): FailbackError {
  const error = refusalSchema.parse(json).error;
  return new FailbackError(error.code, error.values);
}
