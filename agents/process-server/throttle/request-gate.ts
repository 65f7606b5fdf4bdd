import { StorageFailure } from '../storage-http.ts';
import { WaitingLine } from './waiting-line.ts';

/** Few enough for the smallest account; a round trip each is soon gained. */
const FIRST_LIMIT = 4;
/** "Slow down", in both dialects. */
const OVERLOAD_STATUS: readonly number[] = [429, 503];

/**
 * How many requests run at once: one more after each round that went well, half as many when the service is
 * overloaded (additive increase, multiplicative decrease: several process servers of one account converge).
 */
export class RequestGate {
  readonly #line: WaitingLine;
  readonly #maxRequests: number;
  readonly #nowMs: () => number;
  #limit: number;
  #running = 0;
  /** Counts the decreases: an answer to a request of an earlier epoch says nothing about this limit. */
  #epoch = 0;
  #successes = 0;
  #peak = 0;
  #heldUntilMs = Number.NEGATIVE_INFINITY;

  /** `nowMs` is monotonic. */
  constructor(maxRequests: number, nowMs: () => number) {
    this.#maxRequests = maxRequests;
    this.#nowMs = nowMs;
    this.#limit = Math.min(FIRST_LIMIT, maxRequests);
    this.#line = new WaitingLine(() => {
      if (this.#running >= this.#limit) return false;
      this.#running += 1;
      this.#peak = Math.max(this.#peak, this.#running);
      return true;
    });
  }

  async run<T>(key: string, request: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#line.enter(key, 1, signal);
    const epoch = this.#epoch;
    try {
      const answer = await request();
      this.#grow(epoch);
      return answer;
    } catch (error) {
      if (error instanceof StorageFailure && OVERLOAD_STATUS.includes(error.status)) {
        this.#shrink(epoch, error.retryAfterMs ?? 0);
      }
      throw error;
    } finally {
      this.#running -= 1;
      this.#line.admit();
    }
  }

  #grow(epoch: number): void {
    if (epoch !== this.#epoch || this.#nowMs() < this.#heldUntilMs) return;
    this.#successes += 1;
    if (this.#successes < this.#limit) return;
    // A limit that was never reached was not put to the test.
    if (this.#peak >= this.#limit) this.#limit = Math.min(this.#maxRequests, this.#limit + 1);
    this.#startRound();
  }

  #shrink(epoch: number, retryAfterMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#nowMs() + retryAfterMs);
    // All requests of a round are refused together; that is one sign of overload, not many.
    if (epoch !== this.#epoch) return;
    this.#epoch += 1;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
    this.#startRound();
  }

  #startRound(): void {
    this.#successes = 0;
    this.#peak = 0;
  }
}
