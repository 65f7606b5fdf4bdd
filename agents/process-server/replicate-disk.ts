import type { Duplex } from 'node:stream';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import {
  encodeJson,
  FRAME,
  type Hello,
  type HelloAnswer,
  helloAnswerSchema,
  PROTOCOL_VERSION,
} from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { ProgressMeter } from '../runtime/progress-meter.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { type Result, success } from '../../shared/errors/result.ts';
import { BaseUnusable } from '../../shared/ports/block-source.ts';
import { withBackoff } from '../runtime/backoff.ts';
import { FrameStream } from '../runtime/frame-stream.ts';
import type { CommandContext } from '../runtime/types.ts';
import { ManagedDiskSource } from './managed-disk-source.ts';
import { planTransfer, type TransferPlan } from './plan.ts';
import { rangesToSend, refusedBy, sendDisk, type SendFigures } from './sender.ts';

/** A link that brings nothing forward for so long is given up; the job then says so. */
const MAX_STALL_MS = 20 * 60_000;

export interface Transport {
  connect(host: string, port: number): Promise<Duplex>;
}

type Input = CommandInput<'replicateDisk'>;
type Output = CommandOutput<'replicateDisk'>;

/** Sends one disk of one recovery point, over as many connections as it takes. */
export async function replicateDisk(
  transport: Transport,
  input: Input,
  context: CommandContext,
): Promise<Result<Output>> {
  const startedAt = Date.now();
  const transfer = new Transfer(transport, input, context);
  const plan = await withBackoff(async () => transfer.attempt(), {
    firstMs: 300,
    maxMs: 15_000,
    signal: context.signal,
    isWorthRetrying: (error) => !context.signal.aborted && transfer.isWorthRetrying(error),
  });
  const { changedBytes, zeroBytes, sentBytes, wireBytes } = transfer.figures;
  return success({
    mode: plan.mode,
    modeReason: plan.reason,
    changedBytes,
    zeroBytes,
    sentBytes,
    wireBytes,
    durationMs: Date.now() - startedAt,
    resumeCount: transfer.resumeCount,
  });
}

class Transfer {
  readonly figures: SendFigures = { changedBytes: 0, zeroBytes: 0, sentBytes: 0, wireBytes: 0 };
  readonly #transport: Transport;
  readonly #input: Input;
  readonly #context: CommandContext;
  readonly #source: ManagedDiskSource;
  readonly #meter = new ProgressMeter(() => Date.now());
  #attempts = 0;
  #progressAt = Date.now();
  #refusedBase: string | null = null;
  #isCounted = false;

  constructor(transport: Transport, input: Input, context: CommandContext) {
    this.#transport = transport;
    this.#input = input;
    this.#context = context;
    const { signal } = context;
    this.#source = new ManagedDiskSource({ access: () => context.dataAccess(), signal });
  }

  get resumeCount(): number {
    return Math.max(0, this.#attempts - 1);
  }

  /** One connection: from wherever the master target stands to the end of the disk. */
  async attempt(): Promise<TransferPlan> {
    await this.#source.open(this.#input.sizeBytes);
    this.#attempts += 1;
    const stream = await this.#connect();
    const stop = (): void => stream.close();
    this.#context.signal.addEventListener('abort', stop);
    try {
      const answer = await this.#hello(stream);
      const plan = await this.#plan(answer);
      if (answer.resume?.isFinished === true && answer.resume.mode === plan.mode) return plan;
      await this.#send(stream, answer, plan);
      return plan;
    } catch (error) {
      if (!(error instanceof BaseUnusable)) throw error;
      // Once more, with everything: a wrong delta would be worse than a long copy.
      this.#refusedBase = error.message;
      return await this.attempt();
    } finally {
      this.#context.signal.removeEventListener('abort', stop);
      stream.close();
    }
  }

  isWorthRetrying(error: unknown): boolean {
    if (error instanceof FailbackError && !error.isRetryable) return false;
    const isStalled = Date.now() - this.#progressAt > MAX_STALL_MS;
    this.#context.log.warn('the transfer broke off', {
      diskId: this.#input.diskId,
      reason: error instanceof Error ? error.message : String(error),
      isStalled,
    });
    return !isStalled;
  }

  async #connect(): Promise<FrameStream> {
    const { host, port } = this.#input.masterTarget;
    try {
      return new FrameStream(await this.#transport.connect(host, port));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new FailbackError('FB-DATA-001', { host, port, reason }, { cause: error });
    }
  }

  async #hello(stream: FrameStream): Promise<HelloAnswer> {
    const { replicationId, pointId, diskId, sizeBytes, snapshotName } = this.#input;
    const hello: Hello = {
      protocolVersion: PROTOCOL_VERSION,
      replicationId,
      pointId,
      diskId,
      sizeBytes,
      blockBytes: BLOCK_BYTES,
      snapshotName,
    };
    await stream.send(encodeJson(FRAME.hello, hello));
    const frame = await stream.receive();
    if (frame === null || !('json' in frame)) throw new Error('no answer to hello');
    if (frame.type === FRAME.refusal) throw refusedBy(frame.json);
    return helloAnswerSchema.parse(frame.json);
  }

  async #plan(answer: HelloAnswer): Promise<TransferPlan> {
    const { mode, baseSnapshotName } = this.#input;
    return planTransfer({
      answer,
      asked: mode,
      baseSnapshotName,
      hasBase: await this.#source.hasBase(),
      refusedBase: this.#refusedBase,
    });
  }

  async #send(stream: FrameStream, answer: HelloAnswer, plan: TransferPlan): Promise<void> {
    const { sizeBytes } = this.#input;
    const { isBlank } = answer;
    const parts = { source: this.#source, plan, sizeBytes, isBlank };
    await this.#count(parts);
    await sendDisk({
      ...parts,
      stream,
      meter: this.#meter,
      figures: this.figures,
      onProgress: () => this.#context.reportProgress(this.#meter.read('sending')),
      onAck: () => {
        this.#progressAt = Date.now();
      },
    });
  }

  /** A first pass over the listing, so that people see how much there is to do. */
  async #count(parts: Parameters<typeof rangesToSend>[0]): Promise<void> {
    if (this.#isCounted) return;
    let [bytes, ranges] = [0, 0];
    for await (const { length } of rangesToSend(parts)) {
      bytes += length;
      ranges += 1;
    }
    this.#meter.expect(bytes, ranges);
    this.#isCounted = true;
  }
}
