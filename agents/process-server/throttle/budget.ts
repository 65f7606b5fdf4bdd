import { WaitingLine } from './waiting-line.ts';

/** Of something there is only so much: bytes, connections; shared fairly by the disks. */
export class Budget {
  readonly #line: WaitingLine;
  #used = 0;

  constructor(whole: number) {
    this.#line = new WaitingLine(({ amount }) => {
      // What is larger than everything gets everything: alone, instead of never.
      const hasRoom = this.#used === 0 || this.#used + amount <= whole;
      if (hasRoom) this.#used += amount;
      return hasRoom;
    });
  }

  async take(key: string, amount: number, signal: AbortSignal): Promise<() => void> {
    await this.#line.enter(key, amount, signal);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#used -= amount;
      this.#line.admit();
    };
  }
}
