import { growingPauseMs } from '../runtime/backoff.ts';
import { StorageFailure } from './storage-http.ts';

const PAUSES = { firstMs: 300, maxMs: 15_000 } as const;

/**
 * Milliseconds before the next attempt of a transfer, after so many failures in a row: longer each time, with jitter,
 * and never shorter than what an overloaded storage service asked for with its last answer.
 */
export function pauseAfter(failures: number, error: unknown, random = Math.random()): number {
  return Math.max(growingPauseMs(failures, PAUSES, random), askedMs(error));
}

function askedMs(error: unknown): number {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof StorageFailure ? (cause.retryAfterMs ?? 0) : 0;
}
