import { createHash } from 'node:crypto';
import { FrameStream } from '../../../agents/runtime/frame-stream.ts';
import type { TlsMaterial } from '../../../agents/runtime/enrolment.ts';
import { createTlsTransport } from '../../../agents/process-server/tls-transport.ts';
import type { ReplicationMode } from '../../../shared/contracts/commands.ts';
import { encodeJson, encodeTransfer } from '../../../shared/contracts/transfer-codec.ts';
import {
  type DigestFrame,
  FRAME,
  type Hello,
  type HelloAnswer,
  helloAnswerSchema,
  PROTOCOL_VERSION,
  refusalSchema,
  type TransferFrame,
} from '../../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A process server that says whatever a test wants it to say. */
export class RawPeer {
  readonly #stream: FrameStream;

  private constructor(stream: FrameStream) {
    this.#stream = stream;
  }

  static async connect(port: number, tls: TlsMaterial): Promise<RawPeer> {
    return new RawPeer(new FrameStream(await createTlsTransport(tls).connect('127.0.0.1', port)));
  }

  async hello(hello: Partial<Hello> & Pick<Hello, 'replicationId' | 'sizeBytes'>): Promise<void> {
    const usual = {
      protocolVersion: PROTOCOL_VERSION,
      attemptId: 'attempt-1',
      pointId: 'point-1',
      diskId: 'os',
      blockBytes: BLOCK_BYTES,
      snapshotName: 'snapshot-1',
    };
    await this.send(encodeJson(FRAME.hello, { ...usual, ...hello }));
  }

  async answer(): Promise<HelloAnswer> {
    const frame = await this.#stream.receive();
    return helloAnswerSchema.parse(frame !== null && 'json' in frame ? frame.json : null);
  }

  /** One lane over the whole disk. */
  async begin(mode: ReplicationMode, sizeBytes: number): Promise<void> {
    const lanes = [{ start: 0, end: sizeBytes }];
    await this.send(encodeJson(FRAME.begin, { mode, lanes, lane: 0 }));
  }

  async frames(...frames: readonly (TransferFrame | DigestFrame)[]): Promise<void> {
    await this.send(...frames.map((frame) => Buffer.concat(encodeTransfer(frame))));
  }

  async send(...frames: readonly Uint8Array[]): Promise<void> {
    // Once refused, what is left cannot be sent any more: the refusal is what counts.
    for (const frame of frames) await this.#stream.send(frame).catch(() => undefined);
  }

  /** Reads on until the peer refuses, finishes or closes; `null` when it did not refuse. */
  async refusal(): Promise<Refusal | null> {
    for (;;) {
      const frame = await this.#stream.receive();
      if (frame === null || frame.type === FRAME.finished) return null;
      if (!('json' in frame) || frame.type !== FRAME.refusal) continue;
      const { code, message } = refusalSchema.parse(frame.json).error;
      return { code, message };
    }
  }

  close(): void {
    this.#stream.close();
  }
}

/** A data frame of a whole block, as it should be, with whatever a test changes about it. */
export function aDataFrame(
  sequence: number,
  offset: number,
  changes: Partial<Extract<TransferFrame, { type: typeof FRAME.data }>> = {},
): Extract<TransferFrame, { type: typeof FRAME.data }> {
  const payload = Buffer.alloc(BLOCK_BYTES, sequence + 1);
  return {
    type: FRAME.data,
    sequence,
    offset,
    length: payload.length,
    isCompressed: false,
    digest: createHash('sha256').update(payload).digest(),
    payload,
    ...changes,
  };
}
