import { type BandwidthSchedule, limitAt } from '../../../shared/domain/bandwidth-schedule.ts';
import type { ThrottleClock } from './clock.ts';
import { type Turn, WaitingLine } from './waiting-line.ts';

/** What an idle line may make up for at once; also covers timers that fire late. */
const BURST_MS = 250;
/** A schedule changes on full minutes only. */
const MINUTE_MS = 60_000;
/** 10^6 bits a second, in bytes a millisecond. */
const BYTES_PER_MS_OF_MBPS = 1e6 / 8 / 1000;

/** A token bucket whose rate follows the schedule. */
export class BandwidthGate {
  readonly #schedule: BandwidthSchedule;
  readonly #clock: ThrottleClock;
  readonly #line: WaitingLine;
  #minute = Number.NaN;
  /** `null` = unlimited. */
  #bytesPerMs: number | null = null;
  #tokens = 0;
  #filledAtMs: number;
  #cancelTimer = (): void => undefined;

  constructor(schedule: BandwidthSchedule, clock: ThrottleClock) {
    this.#schedule = schedule;
    this.#clock = clock;
    this.#filledAtMs = clock.monotonicMs();
    this.#line = new WaitingLine((turn) => this.#tryPay(turn));
    this.#readSchedule();
  }

  async pass(key: string, bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#line.isEmpty) {
      this.#refill(0);
      if (this.#bytesPerMs === null) return;
    }
    try {
      await this.#line.enter(key, bytes, signal);
    } finally {
      if (this.#line.isEmpty) this.#cancelTimer();
    }
  }

  #tryPay({ amount }: Turn): boolean {
    this.#refill(amount);
    if (this.#bytesPerMs === null) return true;
    const isPaused = this.#bytesPerMs === 0;
    if (!isPaused && this.#tokens >= amount) {
      this.#tokens -= amount;
      return true;
    }
    this.#wakeIn(isPaused ? MINUTE_MS : (amount - this.#tokens) / this.#bytesPerMs);
    return false;
  }

  /** `neededBytes` may be saved up on top of the burst: a large frame at a low rate has to pass, too. */
  #refill(neededBytes: number): void {
    const nowMs = this.#clock.monotonicMs();
    const earned = (nowMs - this.#filledAtMs) * (this.#bytesPerMs ?? 0);
    this.#filledAtMs = nowMs;
    this.#readSchedule();
    const ceiling = (this.#bytesPerMs ?? 0) * BURST_MS + neededBytes;
    this.#tokens = Math.min(ceiling, this.#tokens + earned);
  }

  #readSchedule(): void {
    const date = this.#clock.date();
    const minute = Math.floor(date.getTime() / MINUTE_MS);
    if (minute === this.#minute) return;
    this.#minute = minute;
    const mbps = limitAt(this.#schedule, date);
    this.#bytesPerMs = mbps === null ? null : mbps * BYTES_PER_MS_OF_MBPS;
  }

  #wakeIn(paidMs: number): void {
    this.#cancelTimer();
    const nextMinuteMs = MINUTE_MS - (this.#clock.date().getTime() % MINUTE_MS);
    const delayMs = Math.max(1, Math.ceil(Math.min(paidMs, nextMinuteMs)));
    this.#cancelTimer = this.#clock.setTimer(() => this.#line.admit(), delayMs);
  }
}
