import { setTimeout as delay } from 'node:timers/promises';

interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Attempts in all; absent = until it works or the signal comes. */
  readonly maxAttempts?: number;
  readonly isWorthRetrying: (error: unknown) => boolean;
  /** What the peer asked for, in milliseconds. */
  readonly askedDelayMs?: (error: unknown) => number | undefined;
}

/** Tries again with growing pauses; half of each is chance, which keeps many agents from coming back in step. */
export async function withBackoff<T>(
  attempt: () => Promise<T>,
  options: BackoffOptions,
): Promise<T> {
  const { firstMs, maxMs, signal, maxAttempts = Number.POSITIVE_INFINITY } = options;
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (failures >= maxAttempts || !options.isWorthRetrying(error)) throw error;
      signal?.throwIfAborted();
      const pause = options.askedDelayMs?.(error) ?? growingPauseMs(failures, { firstMs, maxMs });
      await delay(pause, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** The pause after so many failures in a row: twice as long each time, half of it chance. */
export function growingPauseMs(
  failures: number,
  { firstMs, maxMs }: Pick<BackoffOptions, 'firstMs' | 'maxMs'>,
  random = Math.random(),
): number {
  return Math.min(maxMs, firstMs * 2 ** (failures - 1)) * (0.5 + random / 2);
}
