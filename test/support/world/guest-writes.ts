/**
 * What the disks of a machine hold, as one number: a running guest writes all the time, so it grows
 * with every millisecond that the machine is on. Two disks with equal numbers hold equal bytes.
 */
export class GuestWrites {
  #content: number;
  #runningSinceMs: number | null = null;
  readonly #now: () => Date;

  constructor(now: () => Date, content: number) {
    this.#now = now;
    this.#content = content;
  }

  get isRunning(): boolean {
    return this.#runningSinceMs !== null;
  }

  get content(): number {
    if (this.#runningSinceMs === null) return this.#content;
    return this.#content + this.#now().getTime() - this.#runningSinceMs;
  }

  start(): void {
    this.#runningSinceMs ??= this.#now().getTime();
  }

  stop(): void {
    this.#content = this.content;
    this.#runningSinceMs = null;
  }
}
