const STEP_BYTES = 256 * 1024;
/** Small ones cost the garbage collector little. */
const LEAST_BYTES = STEP_BYTES / 4;

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
    const index = this.#free.findLastIndex((free) => free.length === capacity);
    const [found] = index < 0 ? [] : this.#free.splice(index, 1);
    if (found !== undefined) this.#freeBytes -= capacity;
    const buffer = found ?? Buffer.allocUnsafeSlow(capacity);
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
}
