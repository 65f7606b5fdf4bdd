const STEP_BYTES = 256 * 1024;
/** Small ones cost the garbage collector little. */
const LEAST_BYTES = STEP_BYTES / 4;
/** One that is larger than needed serves as well, but not when most of it would lie idle. */
const MAX_EXCESS = 2;

/**
 * Buffers that are used again and again. Each new one of megabytes counts as pressure on V8's heap, and after
 * some ten of them the whole heap is searched for garbage.
 */
export class ReadBuffers {
  readonly #maxFreeBytes: number;
  /** The longest unused one first. */
  readonly #free: Buffer[] = [];
  #freeBytes = 0;
  /** What was handed out, by its memory: one that never comes back is not held up. */
  readonly #lent = new WeakMap<object, Buffer>();

  /** Of those that nobody uses at the moment at most so many bytes are kept. */
  constructor(maxFreeBytes: number) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  /** A buffer of that length with anything in it. */
  take(length: number): Buffer {
    if (length < LEAST_BYTES) return Buffer.allocUnsafeSlow(length);
    const capacity = Math.ceil(length / STEP_BYTES) * STEP_BYTES;
    const buffer = this.#takeFree(capacity) ?? Buffer.allocUnsafeSlow(capacity);
    this.#lent.set(buffer.buffer, buffer);
    return buffer.subarray(0, length);
  }

  /** Takes back what `take` gave, when nobody looks at it any more. Others, and a second time, are ignored. */
  giveBack(bytes: Buffer): void {
    const buffer = this.#lent.get(bytes.buffer);
    if (buffer === undefined) return;
    this.#lent.delete(bytes.buffer);
    this.#free.push(buffer);
    this.#freeBytes += buffer.length;
    while (this.#freeBytes > this.#maxFreeBytes) {
      this.#freeBytes -= this.#free.shift()?.length ?? 0;
    }
  }

  /** The smallest that fits; of several, the one used last. */
  #takeFree(capacity: number): Buffer | undefined {
    let best: Buffer | undefined;
    for (const free of this.#free) {
      const fits = free.length >= capacity && free.length <= MAX_EXCESS * capacity;
      if (fits && free.length <= (best?.length ?? Infinity)) best = free;
    }
    if (best === undefined) return undefined;
    this.#free.splice(this.#free.lastIndexOf(best), 1);
    this.#freeBytes -= best.length;
    return best;
  }
}
