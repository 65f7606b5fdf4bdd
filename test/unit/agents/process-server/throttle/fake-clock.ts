import type { ThrottleClock } from '../../../../../agents/process-server/throttle/clock.ts';

/** Lets everything run that needs no time. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Time that passes only when a test says so. */
export class FakeClock implements ThrottleClock {
  readonly #startedAtMs: number;
  readonly #timers = new Map<symbol, { readonly atMs: number; readonly callback: () => void }>();
  #nowMs = 0;
  /** How late a timer fires. */
  lateMs = (): number => 0;
  firedTimers = 0;

  constructor(startedAt = '2026-06-01T00:00:00Z') {
    this.#startedAtMs = Date.parse(startedAt);
  }

  get timers(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  date(): Date {
    return new Date(this.#startedAtMs + this.#nowMs);
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const id = Symbol('timer');
    this.#timers.set(id, { atMs: this.#nowMs + delayMs + this.lateMs(), callback });
    return () => this.#timers.delete(id);
  }

  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await settle();
    for (;;) {
      const [first] = [...this.#timers].sort(([, a], [, b]) => a.atMs - b.atMs);
      if (first === undefined || first[1].atMs > endMs) break;
      const [id, { atMs, callback }] = first;
      this.#timers.delete(id);
      this.#nowMs = atMs;
      this.firedTimers += 1;
      callback();
      await settle();
    }
    this.#nowMs = endMs;
  }
}
