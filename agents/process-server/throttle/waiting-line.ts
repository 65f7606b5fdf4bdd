/** Somebody who waits for room. */
export interface Turn {
  /** Bytes or places. */
  readonly amount: number;
}

interface Waiter extends Turn {
  readonly grant: () => void;
}

/**
 * Callers in line for something scarce: round-robin over the keys, first come first served within a key.
 * Whoever's turn it is goes first even when a later one would fit already: large requests do not starve.
 */
export class WaitingLine {
  /** The order of the keys is the order of their turns. */
  readonly #lines = new Map<string, Waiter[]>();
  readonly #tryEnter: (turn: Turn) => boolean;

  /** `tryEnter` takes what the turn asks for and says `true`, or leaves everything and says `false`. */
  constructor(tryEnter: (turn: Turn) => boolean) {
    this.#tryEnter = tryEnter;
  }

  get isEmpty(): boolean {
    return this.#lines.size === 0;
  }

  /** Returns once the turn has entered. Throws the signal's reason when it was aborted before. */
  async enter(key: string, amount: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#remove(key, waiter);
      reject(signal.reason);
      // It may have been the one that the others had to wait for.
      this.admit();
    };
    const grant = (): void => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const waiter: Waiter = { amount, grant };
    signal.addEventListener('abort', leave, { once: true });
    this.#add(key, waiter);
    this.admit();
    await promise;
  }

  /** Lets in whom there is room for; to be called whenever room was made. */
  admit(): void {
    for (const [key, line] of this.#lines) {
      const [head] = line;
      if (head === undefined || !this.#tryEnter(head)) return;
      this.#remove(key, head);
      // Back to the end: a key that is set again while we go through the map comes up again.
      if (this.#lines.delete(key)) this.#lines.set(key, line);
      head.grant();
    }
  }

  #add(key: string, waiter: Waiter): void {
    const line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, [waiter]);
    else line.push(waiter);
  }

  #remove(key: string, waiter: Waiter): void {
    const line = this.#lines.get(key) ?? [];
    const index = line.indexOf(waiter);
    if (index >= 0) line.splice(index, 1);
    if (line.length === 0) this.#lines.delete(key);
  }
}
