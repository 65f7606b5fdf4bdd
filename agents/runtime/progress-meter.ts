import type { TransferProgress } from '../../shared/contracts/progress.ts';

/** How much the newest second counts: a rate that is steady enough to read and quick enough to believe. */
const SMOOTHING = 0.3;
const SAMPLE_MS = 500;

/** Rate and time left of something that is counted in bytes. */
export class ProgressMeter {
  readonly #nowMs: () => number;
  #total = { bytes: 0, ranges: 0 };
  #done = { bytes: 0, ranges: 0, sent: 0, wire: 0 };
  #sample: { atMs: number; bytes: number };
  #bytesPerSecond = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#sample = { atMs: nowMs(), bytes: 0 };
  }

  expect(bytes: number, ranges: number): void {
    this.#total = { bytes, ranges };
  }

  /** So much was done by an earlier attempt, which is taken up where it stood. */
  resumeAt(bytes: number, ranges: number): void {
    this.#done = { ...this.#done, bytes, ranges };
    this.#sample = { atMs: this.#nowMs(), bytes };
  }

  add(bytes: number, ranges: number, payload = { sentBytes: 0, wireBytes: 0 }): void {
    this.#done.bytes += bytes;
    this.#done.ranges += ranges;
    this.#done.sent += payload.sentBytes;
    this.#done.wire += payload.wireBytes;
    const now = this.#nowMs();
    const elapsedMs = now - this.#sample.atMs;
    if (elapsedMs < SAMPLE_MS) return;
    const rate = ((this.#done.bytes - this.#sample.bytes) * 1000) / elapsedMs;
    const isFirst = this.#bytesPerSecond === 0;
    this.#bytesPerSecond = isFirst
      ? rate
      : SMOOTHING * rate + (1 - SMOOTHING) * this.#bytesPerSecond;
    this.#sample = { atMs: now, bytes: this.#done.bytes };
  }

  read(step: string): TransferProgress {
    const left = Math.max(0, this.#total.bytes - this.#done.bytes);
    const rate = this.#bytesPerSecond;
    return {
      bytesDone: this.#done.bytes,
      bytesTotal: Math.max(this.#total.bytes, this.#done.bytes),
      rangesDone: this.#done.ranges,
      rangesTotal: Math.max(this.#total.ranges, this.#done.ranges),
      sentBytes: this.#done.sent,
      wireBytes: this.#done.wire,
      bytesPerSecond: rate,
      ...(rate > 0 ? { etaSeconds: left / rate } : {}),
      step,
    };
  }
}
