import {
  FRAME,
  type LaneState,
  type TransferFrame,
} from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES, clip, type PageRange, toUnits } from '../../shared/domain/page-ranges.ts';
import type { ProgressMeter } from '../runtime/progress-meter.ts';
import { prepareUnit, type PreparedUnit, type PrepareOptions } from './prepare-unit.ts';
import type { TargetConnection } from './target-connection.ts';
import type { Throttle } from './throttle/throttle.ts';

/**
 * What is read, compared and encoded of a lane ahead of the unit that is sent: few large units, or so many
 * small ones that a round trip for each does not add up.
 */
const READ_AHEAD = { units: 32, bytes: 8 * 1024 ** 2 } as const;
/** A run of zeros has no payload, but people want to see it move, and a cut to cost little. */
const MAX_ZERO_RUN_BYTES = 16 * 1024 ** 3;

/** Bytes, over all lanes and attempts. */
export interface SendFigures {
  changedBytes: number;
  zeroBytes: number;
  sentBytes: number;
  wireBytes: number;
  readBytes: number;
}

interface LaneOptions extends PrepareOptions {
  readonly connection: TargetConnection;
  readonly lane: LaneState;
  /** What is to be sent of a stretch of the disk, in order. */
  readonly rangesOf: (window: {
    readonly start: number;
    readonly end: number;
  }) => AsyncIterable<PageRange>;
  readonly meter: ProgressMeter;
  readonly figures: SendFigures;
  readonly onProgress: () => void;
}

/** Sends a lane from its watermark to its end; returns when all of it is durable over there. */
export async function sendLane(options: LaneOptions): Promise<void> {
  const { connection, throttle, key, signal } = options;
  const watch = new LineWatch(options);
  let sequence = 0;
  const send = async (frame: TransferFrame): Promise<void> => {
    if (frame.type === FRAME.data) {
      await watch.limit(throttle.bandwidth(key, frame.payload.length, signal));
    }
    await connection.send({ ...frame, sequence });
    sequence += 1;
  };
  for await (const unit of readAhead(options)) {
    try {
      for (const frame of unit.frames) {
        await send(frame);
        count(frame, options);
      }
      options.figures.readBytes += unit.readBytes;
      await send({ type: FRAME.checkpoint, sequence, offset: unit.end });
    } catch (error) {
      unit.release(false);
      throw error;
    }
    connection.flushed().then(
      () => unit.release(true),
      () => unit.release(false),
    );
    watch.sent();
    options.onProgress();
  }
  await send({ type: FRAME.finish, sequence });
  await connection.finished();
}

/** Tells how long a lane takes, and how much of that it waits for the line or for its limit. */
class LineWatch {
  readonly #connection: TargetConnection;
  readonly #throttle: Throttle;
  #limitMs = 0;
  #toldAtMs = performance.now();
  #toldWaitedMs = 0;

  constructor({ connection, throttle }: Pick<LaneOptions, 'connection' | 'throttle'>) {
    this.#connection = connection;
    this.#throttle = throttle;
  }

  async limit(wait: Promise<void>): Promise<void> {
    const askedAtMs = performance.now();
    await wait;
    this.#limitMs += performance.now() - askedAtMs;
  }

  sent(): void {
    const nowMs = performance.now();
    const waitedMs = this.#limitMs + this.#connection.waitedMs;
    this.#throttle.compression.sent({
      tookMs: nowMs - this.#toldAtMs,
      waitedMs: waitedMs - this.#toldWaitedMs,
    });
    [this.#toldAtMs, this.#toldWaitedMs] = [nowMs, waitedMs];
  }
}

async function* readAhead(options: LaneOptions): AsyncGenerator<PreparedUnit> {
  const queue: { readonly prepared: Promise<PreparedUnit>; readonly bytes: number }[] = [];
  let bytesAhead = 0;
  const take = async (): Promise<PreparedUnit | undefined> => {
    const next = queue.shift();
    bytesAhead -= next?.bytes ?? 0;
    return next?.prepared;
  };
  try {
    for await (const unit of toUnits(cutZeroRuns(rangesOfLane(options)))) {
      const prepared = prepareUnit(unit, options);
      // Awaited in order later; until then a failure must not count as unhandled.
      prepared.catch(() => undefined);
      const bytes = unit.kind === 'zero' ? 0 : unit.end - unit.offset;
      queue.push({ prepared, bytes });
      bytesAhead += bytes;
      while (queue.length >= READ_AHEAD.units || bytesAhead >= READ_AHEAD.bytes) {
        const next = await take();
        if (next !== undefined) yield next;
      }
    }
    for (let next = await take(); next !== undefined; next = await take()) yield next;
  } finally {
    // Broken off: what was read ahead gives its memory back.
    for (const { prepared } of queue) {
      prepared.then(({ release }) => release(false)).catch(() => undefined);
    }
  }
}

async function* rangesOfLane({ lane, rangesOf }: LaneOptions): AsyncGenerator<PageRange> {
  const [start, end] = [Math.max(lane.start, lane.watermark), lane.end];
  if (start >= end) return;
  for await (const range of rangesOf({ start, end })) {
    const inside = clip(range, start, end);
    if (inside !== null) yield inside;
  }
}

async function* cutZeroRuns(ranges: AsyncIterable<PageRange>): AsyncGenerator<PageRange> {
  for await (const range of ranges) {
    if (range.kind === 'data') {
      yield range;
      continue;
    }
    const end = range.offset + range.length;
    for (let start = range.offset; start < end; start += MAX_ZERO_RUN_BYTES) {
      yield { offset: start, length: Math.min(MAX_ZERO_RUN_BYTES, end - start), kind: 'zero' };
    }
  }
}

function count(frame: TransferFrame, { figures, meter }: LaneOptions): void {
  switch (frame.type) {
    case FRAME.data:
      figures.changedBytes += frame.length;
      figures.sentBytes += frame.length;
      figures.wireBytes += frame.payload.length;
      meter.add(frame.length, 1, {
        sentBytes: frame.length,
        wireBytes: frame.payload.length,
      });
      return;
    case FRAME.zero:
      figures.changedBytes += frame.length;
      figures.zeroBytes += frame.length;
      meter.add(frame.length, 1);
      return;
    case FRAME.same:
      meter.add(BLOCK_BYTES, 1);
      return;
    default:
      return;
  }
}
