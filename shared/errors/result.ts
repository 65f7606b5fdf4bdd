import type { ErrorRecord } from './failback-error.ts';

/**
 * The outcome of an activity or a command. Permanent failures come back as values because the Durable
 * SDK retries everything that is thrown; only what may pass by itself is thrown.
 */
export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorRecord };

export function success<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function failure<T = never>(error: ErrorRecord): Result<T> {
  return { ok: false, error };
}
