import { FailbackError } from '../../shared/errors/failback-error.ts';
import { growingPauseMs } from '../runtime/backoff.ts';
import { StorageFailure } from './storage-http.ts';

const PAUSES = { firstMs: 300, maxMs: 15_000 } as const;

/** Failures that nobody foresaw are not tried again for ever: not after so many, if they have gone on for so long. */
const MAX_UNKNOWN = 5;
const MAX_UNKNOWN_MS = 15 * 60_000;

/** The failures of a transfer since it brought anything over last. */
export class FailuresInARow {
  readonly #nowMs: () => number;
  #count = 0;
  #isFinal = false;
  /** Since the last failure that is known, which may be a line that was down for days. */
  #unknown = 0;
  #unknownSinceMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get count(): number {
    return this.#count;
  }

  get areHopeless(): boolean {
    const unknownMs = this.#nowMs() - this.#unknownSinceMs;
    return this.#isFinal || (this.#unknown >= MAX_UNKNOWN && unknownMs >= MAX_UNKNOWN_MS);
  }

  add(error: unknown): void {
    this.#count += 1;
    if (error instanceof FailbackError) {
      this.#isFinal = !error.isRetryable;
      this.#unknown = 0;
      return;
    }
    if (this.#unknown === 0) this.#unknownSinceMs = this.#nowMs();
    this.#unknown += 1;
  }

  /** Something arrived. */
  end(): void {
    this.#count = 0;
    this.#unknown = 0;
  }
}

/**
 * Milliseconds before the next attempt of a transfer, after so many failures in a row: longer each time, with jitter,
 * and never shorter than what an overloaded storage service asked for with its last answer.
 */
export function pauseAfter(failures: number, error: unknown, random = Math.random()): number {
  return Math.max(growingPauseMs(failures, PAUSES, random), askedMs(error));
}

function askedMs(error: unknown): number {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof StorageFailure ? (cause.retryAfterMs ?? 0) : 0;
}
