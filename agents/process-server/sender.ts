import {
  ackSchema,
  encodeJson,
  encodeTransfer,
  FRAME,
  refusalSchema,
} from '../../shared/contracts/transfer-protocol.ts';
import {
  BLOCK_BYTES,
  type PageRange,
  toUnits,
  type TransferUnit,
  withGapsAsZeros,
} from '../../shared/domain/page-ranges.ts';
import type { ProgressMeter } from '../runtime/progress-meter.ts';
import { type ErrorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import type { BlockSource } from '../../shared/ports/block-source.ts';
import type { FrameStream } from '../runtime/frame-stream.ts';
import { digestOf, encodeBlock } from './encode-block.ts';
import type { TransferPlan } from './plan.ts';

/** Units read ahead of the one that is sent: 8 × 4 MiB. */
const READ_AHEAD = 8;
const FRAME_BYTES = 1024 * 1024;

export interface SendFigures {
  changedBytes: number;
  zeroBytes: number;
  sentBytes: number;
  wireBytes: number;
}

interface SendOptions {
  readonly stream: FrameStream;
  readonly source: BlockSource;
  readonly plan: TransferPlan;
  readonly sizeBytes: number;
  readonly isBlank: boolean;
  readonly meter: ProgressMeter;
  readonly figures: SendFigures;
  readonly onProgress: () => void;
  readonly onAck: (watermark: number) => void;
}

/** Sends everything from the plan's start to the end of the disk; returns when it is durable over there. */
export async function sendDisk(options: SendOptions): Promise<void> {
  const { stream, plan } = options;
  await stream.send(encodeJson(FRAME.begin, { mode: plan.mode }));
  const finished = awaitFinished(options);
  // A refusal must not become an unhandled rejection while we are still sending.
  finished.catch(() => stream.close());
  const writer = new UnitWriter(options);
  try {
    for await (const { unit, bytes } of readAhead(options)) {
      await writer.write(unit, bytes);
      options.onProgress();
    }
    await writer.finish();
  } catch (error) {
    // The reason why the connection broke is in what the peer said last.
    await Promise.race([finished, new Promise((resolve) => setTimeout(resolve, 500))]);
    throw error;
  }
  await finished;
}

export function rangesToSend({
  source,
  plan,
  sizeBytes,
  isBlank,
}: Pick<SendOptions, 'source' | 'plan' | 'sizeBytes' | 'isBlank'>): AsyncIterable<PageRange> {
  const window = { from: plan.from, to: sizeBytes, isDelta: plan.mode === 'delta' };
  const listed = source.ranges(window);
  // What a full copy does not list is zero; a disk that was just made is zero there already.
  if (plan.mode === 'delta' || isBlank) return listed;
  return withGapsAsZeros(listed, { start: plan.from, end: sizeBytes });
}

async function* readAhead(
  options: SendOptions,
): AsyncGenerator<{ unit: TransferUnit; bytes: Buffer | null }> {
  const { source, sizeBytes } = options;
  const queue: { unit: TransferUnit; bytes: Promise<Buffer | null> }[] = [];
  for await (const unit of toUnits(rangesToSend(options), sizeBytes)) {
    const bytes = readUnit(source, unit);
    // Awaited in order later; until then a failure must not count as unhandled.
    bytes.catch(() => undefined);
    queue.push({ unit, bytes });
    if (queue.length < READ_AHEAD) continue;
    const next = queue.shift();
    if (next !== undefined) yield { unit: next.unit, bytes: await next.bytes };
  }
  for (const { unit, bytes } of queue) yield { unit, bytes: await bytes };
}

async function readUnit(source: BlockSource, unit: TransferUnit): Promise<Buffer | null> {
  return unit.kind === 'zeroRun' ? null : source.read(unit.offset, unit.end - unit.offset);
}

/** Turns units into numbered frames. */
class UnitWriter {
  readonly #options: SendOptions;
  #sequence = 0;

  constructor(options: SendOptions) {
    this.#options = options;
  }

  async write(unit: TransferUnit, bytes: Buffer | null): Promise<void> {
    if (unit.kind === 'zeroRun' || bytes === null) {
      await this.#zero(unit.offset, unit.end - unit.offset);
    } else {
      for (const range of unit.ranges) await this.#range(range, unit.offset, bytes);
      await this.#digests(unit, bytes);
    }
    const sequence = this.#next();
    await this.#send(encodeTransfer({ type: FRAME.checkpoint, sequence, offset: unit.end }));
  }

  async finish(): Promise<void> {
    await this.#send(encodeTransfer({ type: FRAME.finish, sequence: this.#next() }));
  }

  async #range(range: PageRange, unitOffset: number, bytes: Buffer): Promise<void> {
    const { offset, length, kind } = range;
    if (kind === 'zero') return this.#zero(offset, length);
    const { meter, figures } = this.#options;
    for (let start = 0; start < length; start += FRAME_BYTES) {
      const at = offset + start;
      const size = Math.min(FRAME_BYTES, length - start);
      const block = bytes.subarray(at - unitOffset, at - unitOffset + size);
      const frame = await encodeBlock(this.#next(), at, block);
      const payloadBytes = frame.type === FRAME.data ? frame.payload.length : 0;
      figures.changedBytes += size;
      figures.sentBytes += frame.type === FRAME.data ? size : 0;
      figures.wireBytes += payloadBytes;
      meter.add(size, start === 0 ? 1 : 0, payloadBytes);
      await this.#send(encodeTransfer(frame));
    }
  }

  async #zero(offset: number, length: number): Promise<void> {
    const { meter, figures } = this.#options;
    figures.changedBytes += length;
    figures.zeroBytes += length;
    meter.add(length, 1);
    const sequence = this.#next();
    await this.#send(encodeTransfer({ type: FRAME.zero, sequence, offset, length }));
  }

  /** What the source holds in every block that was touched: the proof is made against these. */
  async #digests(unit: TransferUnit, bytes: Buffer): Promise<void> {
    for (let start = unit.offset; start < unit.end; start += BLOCK_BYTES) {
      const end = Math.min(unit.end, start + BLOCK_BYTES);
      const digest = digestOf(bytes.subarray(start - unit.offset, end - unit.offset));
      const block = start / BLOCK_BYTES;
      await this.#send(
        encodeTransfer({ type: FRAME.digest, sequence: this.#next(), block, digest }),
      );
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    await this.#options.stream.send(bytes);
  }

  #next(): number {
    const sequence = this.#sequence;
    this.#sequence += 1;
    return sequence;
  }
}

async function awaitFinished({ stream, onAck }: SendOptions): Promise<void> {
  for (;;) {
    const frame = await stream.receive();
    if (frame === null) throw new Error('the master target closed the connection');
    if (frame.type === FRAME.finished) return;
    if (!('json' in frame)) continue;
    if (frame.type === FRAME.ack) onAck(ackSchema.parse(frame.json).watermark);
    if (frame.type === FRAME.refusal) throw refusedBy(frame.json);
  }
}

/** The master target's own error, under its own code. */
export function refusedBy(json: unknown): FailbackError {
  const error = refusalSchema.parse(json).error as ErrorRecord;
  return new FailbackError(error.code, error.values);
}
