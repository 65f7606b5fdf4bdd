type Volume = 'retention' | 'disks';

/** Room on the retention volume and on the storage of the disks: at a chosen step there is none any more. */
export class Room {
  #fullIn = 0;
  #full: Volume | null = null;
  #isExpected = false;
  #wasFull = false;
  #steps: string[] = [];

  /** What was written and made durable since the last `fillIn`, in turn. */
  get steps(): readonly string[] {
    return this.#steps;
  }

  /** The step with this number finds no room, if there are so many; 0 = there is always room. */
  fillIn(steps: number): void {
    this.#fullIn = steps;
    this.#full = null;
    this.#isExpected = steps > 0;
    this.#wasFull = false;
    this.#steps = [];
  }

  /** Whether there may be no room before the next `fillIn`. */
  get isExpected(): boolean {
    return this.#isExpected;
  }

  /** Whether there was no room since the last `fillIn`. */
  get wasFull(): boolean {
    return this.#wasFull;
  }

  /** Whether what is written there now, relative to the folder of both, finds room. */
  hasRoomFor(path: string): boolean {
    const volume: Volume = path.startsWith('retention') ? 'retention' : 'disks';
    this.#steps.push(path);
    this.#fullIn -= 1;
    if (this.#fullIn === 0) {
      this.#full = volume;
      this.#wasFull = true;
    }
    return this.#full !== volume;
  }

  /** A file of the journal went. */
  give(): void {
    if (this.#full === 'retention') this.#full = null;
  }

  /** Somebody else made room. */
  giveAll(): void {
    this.#fullIn = 0;
    this.#full = null;
  }
}

/** As the system says it. */
export function noRoom(path: string): Error {
  return Object.assign(new Error(`ENOSPC: no space left on device, ${path}`), { code: 'ENOSPC' });
}
