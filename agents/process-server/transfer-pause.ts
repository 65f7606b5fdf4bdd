import { StorageFailure } from './storage-http.ts';

const FIRST_MS = 300;
const MAX_MS = 15_000;

/**
 * Milliseconds before the next attempt of a transfer, after so many failures in a row: longer each time, with jitter,
 * and never shorter than what an overloaded storage service asked for with its last answer.
 */
export function pauseAfter(failures: number, error: unknown, random = Math.random()): number {
  const ceilingMs = Math.min(MAX_MS, FIRST_MS * 2 ** (failures - 1));
  return Math.max(ceilingMs * (0.5 + random / 2), askedMs(error));
}

function askedMs(error: unknown): number {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof StorageFailure ? (cause.retryAfterMs ?? 0) : 0;
}
