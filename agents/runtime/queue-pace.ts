/** What an agent does now: commands, and transfers that its peers drive. The next command comes when it ends. */
export class Activity {
  #running = 0;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #onEnd: () => void = () => undefined;

  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** Since something ended last; infinite before. */
  get sinceEndMs(): number {
    return performance.now() - this.#endedAtMs;
  }

  async during<T>(work: Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work;
    } finally {
      this.#running -= 1;
      this.#endedAtMs = performance.now();
      if (!this.isBusy) this.#onEnd();
    }
  }

  /** Calls when nothing is done any more; one listener at a time. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }
}

/** After a message, and the most after a look that failed. */
const [FIRST_MS, MAX_MS] = [100, 2000];
/** Commands come in succession: a look is cheap just after one ended, and disturbs while one runs. */
const LIMITS_MS = { working: 500, justEnded: 40, recentlyEnded: 150 } as const;
const [JUST_MS, RECENTLY_MS] = [3_000, 60_000];

/** The longest pause between two looks into the queue, in milliseconds. */
export function longestPauseMs({
  isBusy,
  sinceEndMs,
}: Pick<Activity, 'isBusy' | 'sinceEndMs'>): number {
  if (isBusy) return LIMITS_MS.working;
  if (sinceEndMs < JUST_MS) return LIMITS_MS.justEnded;
  return sinceEndMs < RECENTLY_MS ? LIMITS_MS.recentlyEnded : MAX_MS;
}

/** When the queue is looked into again: a command that lies there may be downtime, and each look is a request. */
export class QueuePace {
  readonly #activity: Activity;
  #pauseMs = FIRST_MS;

  constructor(activity: Activity) {
    this.#activity = activity;
  }

  /** Ends at once when all work ends or the signal is aborted. */
  async pauseAfter(look: 'found' | 'empty' | 'failed', signal: AbortSignal): Promise<void> {
    this.#pauseMs = look === 'failed' ? MAX_MS : look === 'found' ? FIRST_MS : this.#longer();
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = setTimeout(wake, this.#pauseMs);
    signal.addEventListener('abort', wake);
    this.#activity.onEnd(wake);
    await promise;
    signal.removeEventListener('abort', wake);
    clearTimeout(timer);
  }

  #longer(): number {
    return Math.min(this.#pauseMs * 1.5, longestPauseMs(this.#activity));
  }
}
