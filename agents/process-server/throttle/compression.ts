/** What is decided at once: so long of the lanes' time together, in milliseconds. */
const ROUND_MS = 200;
/** Lanes that wait longer for the line, as a share of their time, send more than it carries. */
const LINE_IS_FULL = 0.1;
/** Less of the machine's CPU time than this is left: it is what the transfer waits for. */
const CPU_IS_SCARCE = 0.25;
/** Of the compressible blocks, after each round; back twice as fast, as lines change and traffic costs money. */
const STEP = 1 / 8;

/**
 * Which of the compressible blocks are compressed: all of them, unless CPU time is what the transfer waits for and
 * the line is not. Then fewer and fewer, until either changes: where both are used up, both stay so.
 */
export class CompressionShare {
  readonly #idleCpuShare: () => number;
  #share = 1;
  /** Adds up what each block has a right to, so that they are spread evenly. */
  #due = 0;
  #tookMs = 0;
  #waitedMs = 0;

  /** `idleCpuShare`: of the machine, 0 to 1, of late. */
  constructor(idleCpuShare: () => number) {
    this.#idleCpuShare = idleCpuShare;
  }

  /** Whether the next compressible block is to be compressed. */
  next(): boolean {
    this.#due += this.#share;
    if (this.#due < 1) return false;
    this.#due -= 1;
    return true;
  }

  /** To be told of each stretch of a lane: how long it took, and how much of that it waited for the line. */
  sent({ tookMs, waitedMs }: { readonly tookMs: number; readonly waitedMs: number }): void {
    this.#tookMs += tookMs;
    this.#waitedMs += waitedMs;
    if (this.#tookMs < ROUND_MS) return;
    const isLineFull = this.#waitedMs >= this.#tookMs * LINE_IS_FULL;
    const isForNothing = !isLineFull && this.#idleCpuShare() < CPU_IS_SCARCE;
    this.#share = isForNothing
      ? Math.max(0, this.#share - STEP)
      : Math.min(1, this.#share + 2 * STEP);
    [this.#tookMs, this.#waitedMs] = [0, 0];
  }
}
