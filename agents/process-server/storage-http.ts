import { type IncomingHttpHeaders } from 'node:http';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { BaseUnusable } from '../../shared/ports/block-source.ts';
import { withBackoff } from '../runtime/backoff.ts';
import { fetchBytes } from './storage-request.ts';
import type { Throttle } from './throttle/throttle.ts';

const API_VERSION = '2021-12-02';
const TIMEOUT_MS = 100_000;
const MAX_ATTEMPTS = 10;
const PASSING_STATUS: readonly number[] = [408, 429, 500, 502, 503, 504];
/** Those whose Retry-After means "I am overloaded". */
const RETRY_AFTER_STATUS: readonly number[] = [429, 503];
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** An answer of the storage service that is no success. */
export class StorageFailure extends Error {
  override readonly name = 'StorageFailure';
  readonly status: number;
  readonly code: string;
  /** How long the service asked us to stay away, at most 5 minutes; with 429 and 503 only. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, code: string, retryAfterMs: number | undefined) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

interface StorageRequest {
  /** Asked anew for each attempt: a renewed SAS replaces the old one. */
  readonly url: () => string;
  readonly headers: () => Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Takes the body of a success, which is at most so long; without it the body is put together. */
  readonly into?: Buffer | undefined;
  /** Called once after a 403: the SAS may have run out. */
  readonly renew: () => Promise<void>;
  /** Every attempt waits for its turn here; pauses between attempts do not count as running. */
  readonly throttle?: { readonly gate: Pick<Throttle, 'request'>; readonly key: string };
}

interface StorageAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** GET with retries for what may pass. Throws StorageFailure for what does not. */
export async function getFromStorage(request: StorageRequest): Promise<StorageAnswer> {
  let isRenewed = false;
  return withBackoff(
    async () => {
      try {
        return await getThrottled(request);
      } catch (error) {
        if (!(error instanceof StorageFailure) || error.status !== 403 || isRenewed) throw error;
        isRenewed = true;
        await request.renew();
        return getThrottled(request);
      }
    },
    {
      firstMs: 250,
      maxMs: 20_000,
      maxAttempts: MAX_ATTEMPTS,
      signal: request.signal,
      isWorthRetrying: (error) => !request.signal.aborted && isPassing(error),
      askedDelayMs: (error) => (error instanceof StorageFailure ? askedPauseMs(error) : undefined),
    },
  );
}

/** Never earlier than asked; later by up to a fifth, because all were asked for the same moment. */
function askedPauseMs({ retryAfterMs }: StorageFailure): number | undefined {
  if (retryAfterMs === undefined) return undefined;
  return Math.min(MAX_RETRY_AFTER_MS, retryAfterMs * (1 + Math.random() / 5));
}

async function getThrottled(request: StorageRequest): Promise<StorageAnswer> {
  const { throttle, signal } = request;
  if (throttle === undefined) return getOnce(request);
  return throttle.gate.request(throttle.key, () => getOnce(request), signal);
}

async function getOnce(request: StorageRequest): Promise<StorageAnswer> {
  const { url, headers, signal, into } = request;
  const answer = await fetchBytes(url(), {
    headers: { 'x-ms-version': API_VERSION, ...headers() },
    signal,
    timeoutMs: TIMEOUT_MS,
    into,
  });
  const { status, body } = answer;
  if (answer.isSuccess) {
    if (body !== null) return { headers: answer.headers, body };
    throw new StorageFailure(status, 'more bytes than were asked for', undefined);
  }
  const named = answer.headers['x-ms-error-code'];
  const code = typeof named === 'string' ? named : (codeIn(body) ?? answer.statusText);
  const isOverload = RETRY_AFTER_STATUS.includes(status);
  throw new StorageFailure(status, code, isOverload ? retryAfterIn(answer.headers) : undefined);
}

/** Milliseconds; both forms of the header: seconds, or a date, read by the clock of the service. */
function retryAfterIn(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['retry-after']?.trim() ?? '';
  const now = Date.parse(headers.date ?? '') || Date.now();
  const askedMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  // A date that has passed, 0 or nonsense ask for nothing: our own pauses hold.
  return askedMs > 0 ? Math.min(MAX_RETRY_AFTER_MS, askedMs) : undefined;
}

function codeIn(body: Buffer | null): string | undefined {
  return /<Code>([^<]+)<\/Code>/.exec(body?.toString('utf8') ?? '')?.[1];
}

function isPassing(error: unknown): boolean {
  if (error instanceof BaseUnusable) return false;
  // Anything that is no answer at all is a broken connection.
  return !(error instanceof StorageFailure) || PASSING_STATUS.includes(error.status);
}

/** The failure as it is reported to people. */
export function sourceError(error: unknown): FailbackError {
  if (error instanceof FailbackError) return error;
  const values =
    error instanceof StorageFailure
      ? { status: error.status, code: error.code }
      : { status: 'no answer', code: error instanceof Error ? error.message : 'unknown' };
  return new FailbackError('FB-DATA-005', values, { cause: error });
}
