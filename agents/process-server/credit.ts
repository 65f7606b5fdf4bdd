/** Payload bytes that may be on their way: the receiver gives, sending takes. */
export class Credit {
  #bytes: number;
  readonly #whole: number;
  #wake: (() => void) | null = null;
  /** How long sending waited for it, in milliseconds. */
  waitedMs = 0;
  #failure: Error | null = null;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#whole = bytes;
  }

  /** Waits until there is enough. One waiter at a time: frames of a connection go in order. */
  async take(bytes: number): Promise<void> {
    // A frame larger than all credit goes when nothing else is on its way.
    const needed = Math.min(bytes, this.#whole);
    const askedAtMs = performance.now();
    while (this.#bytes < needed) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== null) throw this.#failure;
    this.waitedMs += performance.now() - askedAtMs;
    this.#bytes -= bytes;
  }

  give(bytes: number): void {
    this.#bytes = Math.min(this.#whole, this.#bytes + bytes);
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake?.();
  }
}
