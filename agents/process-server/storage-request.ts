import {
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';

/**
 * As many connections as requests run: the throttle limits those. What is idle for 4 s is closed, before the
 * service or a load balancer does so at the moment when it is used again.
 */
const AGENT_OPTIONS = { keepAlive: true, maxFreeSockets: 128, timeout: 4_000 } as const;
const httpAgent = new HttpAgent(AGENT_OPTIONS);
const httpsAgent = new HttpsAgent(AGENT_OPTIONS);
/** Of what is no success only the code is of interest. */
const MAX_ERROR_BYTES = 64 * 1024;

interface FetchOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** For the whole answer. */
  readonly timeoutMs: number;
  /** Takes the body of a success. */
  readonly into: Buffer | undefined;
}

interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly isSuccess: boolean;
  readonly headers: IncomingHttpHeaders;
  /** Of a failure its beginning. `null`: the body of a success is larger than `into`. */
  readonly body: Buffer | null;
}

/**
 * GET without redirects, straight into a buffer: `fetch` builds streams and copies everything twice, which
 * costs half as much CPU time again. Once it has settled nothing writes to `into` any more. Throws when the
 * connection breaks, the time is over or the signal is aborted.
 */
export async function fetchBytes(url: string, options: FetchOptions): Promise<Answer> {
  const { signal, headers, timeoutMs, into } = options;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const isTls = new URL(url).protocol === 'https:';
  const request = isTls
    ? requestHttps(url, { headers, agent: httpsAgent })
    : requestHttp(url, { headers, agent: httpAgent });
  const fail = (error: unknown): void => {
    reject(error);
    request.destroy();
  };
  const abort = (): void => fail(signal.reason);
  const timer = setTimeout(
    () => fail(new Error(`no answer within ${timeoutMs / 1000} seconds`)),
    timeoutMs,
  );
  signal.addEventListener('abort', abort, { once: true });
  request.once('response', (response) => {
    bodyOf(response, into).then((body) => resolve({ ...headOf(response), body }), fail);
  });
  // Stays: a connection may fail once more while it is torn down.
  request.on('error', fail);
  request.end();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function headOf(response: IncomingMessage): Omit<Answer, 'body'> {
  const { statusCode: status = 0, statusMessage: statusText = '', headers } = response;
  return { status, statusText, isSuccess: isSuccess(response), headers };
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

async function bodyOf(response: IncomingMessage, into: Buffer | undefined): Promise<Buffer | null> {
  if (!isSuccess(response)) return beginningOf(response);
  return into === undefined ? wholeOf(response) : filled(response, into);
}

async function filled(response: IncomingMessage, into: Buffer): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      if (length + chunk.length > into.length) {
        resolve(null);
        response.destroy();
        return;
      }
      length += chunk.copy(into, length);
    });
    response.once('end', () => resolve(into.subarray(0, length)));
    response.on('error', reject);
  });
}

async function wholeOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The rest is not waited for: leaving the loop closes the connection. */
async function beginningOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const bytes = (chunk as Buffer).subarray(0, MAX_ERROR_BYTES - length);
    chunks.push(bytes);
    length += bytes.length;
    if (length >= MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks);
}
