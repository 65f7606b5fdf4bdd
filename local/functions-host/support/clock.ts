/** Time from outside, so that tests run 15-minute windows in milliseconds. */
export interface Clock {
  now(): Date;
  /** Calls back once at or after `at`. */
  setTimer(at: Date, callback: () => void): { cancel(): void };
}

/** setTimeout takes 31 bits of milliseconds; longer waits are cut into pieces. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  setTimer: (at, callback) => {
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const remainingMs = at.getTime() - Date.now();
      handle =
        remainingMs > MAX_TIMEOUT_MS
          ? setTimeout(arm, MAX_TIMEOUT_MS)
          : setTimeout(callback, Math.max(0, remainingMs));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is moved. Timers of one instant fire in the order they were set. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(start: Date) {
    this.#nowMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  setTimer(at: Date, callback: () => void): { cancel(): void } {
    const pending = { atMs: at.getTime(), order: (this.#order += 1), callback };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** When the next timer is due; `null` when none is set. */
  nextAt(): Date | null {
    const next = this.#next();
    return next === undefined ? null : new Date(Math.max(next.atMs, this.#nowMs));
  }

  /** Moves to the next timer and fires it. False when none is due up to `limit`. */
  fireNext(limit: Date): boolean {
    const next = this.#next();
    if (next === undefined || next.atMs > limit.getTime()) return false;
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    this.#pending.delete(next);
    next.callback();
    return true;
  }

  /** Moves to `limit`, timer by timer; `settle` runs what each brought about. Stops early when it is over. */
  async advanceTo(
    limit: Date,
    settle: () => Promise<void>,
    isOver: () => boolean = () => false,
  ): Promise<void> {
    await settle();
    while (!isOver() && this.fireNext(limit)) await settle();
    if (!isOver()) this.moveTo(limit);
  }

  /** Moves on without firing anything that is due later. */
  moveTo(date: Date): void {
    this.#nowMs = Math.max(this.#nowMs, date.getTime());
  }

  #next(): Pending | undefined {
    return [...this.#pending].toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  }
}
