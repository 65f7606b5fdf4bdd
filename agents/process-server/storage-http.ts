import { FailbackError } from '../../shared/errors/failback-error.ts';
import { withBackoff } from '../runtime/backoff.ts';

const API_VERSION = '2021-12-02';
const TIMEOUT_MS = 100_000;
const MAX_ATTEMPTS = 10;
const PASSING_STATUS: readonly number[] = [408, 429, 500, 502, 503, 504];

/** An answer of the storage service that is no success. */
export class StorageFailure extends Error {
  override readonly name = 'StorageFailure';
  readonly status: number;
  readonly code: string;
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
  /** Called once after a 403: the SAS may have run out. */
  readonly renew: () => Promise<void>;
}

/** GET with retries for what may pass. Throws StorageFailure for what does not. */
export async function getFromStorage(
  request: StorageRequest,
): Promise<{ readonly headers: Headers; readonly body: Buffer }> {
  let isRenewed = false;
  return withBackoff(
    async () => {
      try {
        return await getOnce(request);
      } catch (error) {
        if (!(error instanceof StorageFailure) || error.status !== 403 || isRenewed) throw error;
        isRenewed = true;
        await request.renew();
        return getOnce(request);
      }
    },
    {
      firstMs: 250,
      maxMs: 20_000,
      maxAttempts: MAX_ATTEMPTS,
      signal: request.signal,
      isWorthRetrying: (error) => !request.signal.aborted && isPassing(error),
      askedDelayMs: (error) => (error instanceof StorageFailure ? error.retryAfterMs : undefined),
    },
  );
}

async function getOnce({ url, headers, signal }: StorageRequest): Promise<{
  readonly headers: Headers;
  readonly body: Buffer;
}> {
  const response = await fetch(url(), {
    headers: { 'x-ms-version': API_VERSION, ...headers() },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const body = Buffer.from(await response.arrayBuffer());
  if (response.ok) return { headers: response.headers, body };
  const code = response.headers.get('x-ms-error-code') ?? codeIn(body) ?? response.statusText;
  const retryAfter = Number(response.headers.get('retry-after'));
  const retryAfterMs = retryAfter > 0 ? retryAfter * 1000 : undefined;
  throw new StorageFailure(response.status, code, retryAfterMs);
}

function codeIn(body: Buffer): string | undefined {
  return /<Code>([^<]+)<\/Code>/.exec(body.toString('utf8'))?.[1];
}

function isPassing(error: unknown): boolean {
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
