import { WaitingLine } from './waiting-line.ts';

/** Bytes in memory at the same time, shared fairly by the disks. */
export class MemoryBudget {
  readonly #line: WaitingLine;
  #usedBytes = 0;

  constructor(budgetBytes: number) {
    this.#line = new WaitingLine(({ amount }) => {
      // What is larger than everything gets everything: alone, instead of never.
      const hasRoom = this.#usedBytes === 0 || this.#usedBytes + amount <= budgetBytes;
      if (hasRoom) this.#usedBytes += amount;
      return hasRoom;
    });
  }

  async take(key: string, bytes: number, signal: AbortSignal): Promise<() => void> {
    await this.#line.enter(key, bytes, signal);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#usedBytes -= bytes;
      this.#line.admit();
    };
  }
}
