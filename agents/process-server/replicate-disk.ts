import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { BaseUnusable } from '../../shared/ports/block-source.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { type Result, success } from '../../shared/errors/result.ts';
import type { CommandContext } from '../runtime/types.ts';
import { ProgressMeter } from '../runtime/progress-meter.ts';
import type { Transport } from './target-connection.ts';
import type { Throttle } from './throttle/throttle.ts';
import { TransferAttempt } from './transfer-attempt.ts';
import { SourceAccess } from './source-access.ts';
import { FailuresInARow, pauseAfter } from './transfer-pause.ts';
import type { TransferPlan } from './plan.ts';
import type { SendFigures } from './lane-sender.ts';

type Input = CommandInput<'replicateDisk'>;
type Output = CommandOutput<'replicateDisk'>;

export interface ReplicateParts {
  readonly transport: Transport;
  readonly throttle: Throttle;
  readonly connectionsPerDisk: number;
  /** A disk gets another connection for so much work only. Default: 32 MiB. */
  readonly minLaneBytes?: number;
}

/**
 * Sends one disk of one recovery point, over as many attempts as it takes: what may pass is waited for
 * until the control plane gives the command up, and shown as health while it lasts.
 */
export async function replicateDisk(
  parts: ReplicateParts,
  input: Input,
  context: CommandContext,
): Promise<Result<Output>> {
  const startedAt = Date.now();
  const transfer = new Transfer(parts, input, context);
  const { mode, reason } = await transfer.run();
  return success({
    mode,
    modeReason: reason,
    ...transfer.figures,
    durationMs: Date.now() - startedAt,
    resumeCount: transfer.resumeCount,
  });
}

class Transfer {
  readonly figures: SendFigures = {
    changedBytes: 0,
    zeroBytes: 0,
    readBytes: 0,
    sentBytes: 0,
    wireBytes: 0,
  };
  readonly #parts: ReplicateParts;
  readonly #input: Input;
  readonly #context: CommandContext;
  readonly #access: SourceAccess;
  readonly #meter = new ProgressMeter(() => Date.now());
  resumeCount = 0;
  #refusedBase: string | null = null;
  readonly #failures = new FailuresInARow(() => Date.now());

  constructor(parts: ReplicateParts, input: Input, context: CommandContext) {
    this.#parts = parts;
    this.#input = input;
    this.#context = context;
    this.#access = new SourceAccess(() => context.dataAccess());
  }

  async run(): Promise<TransferPlan> {
    for (;;) {
      try {
        return await this.#attempt();
      } catch (error) {
        this.#context.signal.throwIfAborted();
        await this.#recoverFrom(error);
      }
    }
  }

  async #attempt(): Promise<TransferPlan> {
    const attempt = new TransferAttempt({
      ...this.#parts,
      attemptId: randomUUID(),
      input: this.#input,
      context: this.#context,
      access: this.#access,
      meter: this.#meter,
      figures: this.figures,
      refusedBase: this.#refusedBase,
      onAck: () => this.#failures.end(),
    });
    try {
      return await attempt.run();
    } finally {
      await attempt.close();
    }
  }

  async #recoverFrom(error: unknown): Promise<void> {
    if (error instanceof BaseUnusable) {
      // Once more without the base: a wrong delta would be worse than a long comparison.
      this.#refusedBase = error.message;
      return;
    }
    this.resumeCount += 1;
    this.#failures.add(error);
    if (this.#failures.areHopeless) throw error;
    this.#report(error);
    const pauseMs = pauseAfter(this.#failures.count, error);
    await delay(pauseMs, undefined, { signal: this.#context.signal });
  }

  #report(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#context.log.warn('the transfer broke off', { diskId: this.#input.diskId, reason });
    const health =
      error instanceof FailbackError
        ? error.toRecord()
        : errorRecord('FB-DATA-009', { diskId: this.#input.diskId });
    this.#context.reportProgress({ ...this.#meter.read('waiting'), health });
  }
}
