import type { VirtualClock } from '../../../local/functions-host/support/clock.ts';
import type { Clock } from '../../../shared/ports/messaging.ts';

/** The virtual clock of the durable host, for everything outside the host. */
export class Timers implements Clock {
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): Date {
    return this.#clock.now();
  }

  after(milliseconds: number, callback: () => void): void {
    this.#clock.setTimer(new Date(this.now().getTime() + milliseconds), callback);
  }
}
