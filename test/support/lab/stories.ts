/**
 * Stories that take minutes, most of them waiting, told side by side: each test waits for its own. A story
 * that fails fails its test and no other.
 */
export class Stories {
  readonly #running = new Map<string, Promise<unknown>>();

  begin(name: string, story: () => Promise<unknown>): void {
    const running = story();
    // Its test hears of the failure; until then it must not count as unhandled.
    running.catch(() => undefined);
    this.#running.set(name, running);
  }

  async end(name: string): Promise<void> {
    await this.#running.get(name);
  }

  async allSettled(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }
}
