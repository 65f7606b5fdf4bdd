import { createHash } from 'node:crypto';
import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { IdempotencyRecord, Versioned } from '../../shared/ports/stores.ts';
import type { FunctionDeps } from './deps.ts';
import type { Answer } from './route.ts';
import { validate } from './validate.ts';

export const IDEMPOTENCY_HEADER = 'idempotency-key';
const REPLAYED_HEADER = 'idempotency-replayed';

/** Printable, as the draft of the header has it, quoted or not. */
const keySchema = z.string().regex(/^[\x21-\x7e]{1,255}$/, '1 to 255 printable characters');

const KEPT_MS = 24 * 3_600_000;
/** Longer than a request can take; one that has not ended by then died with its host. */
const MAX_REQUEST_MS = 5 * 60_000;

interface Once {
  readonly request: HttpRequest;
  /** Id of the caller: keys of different ones have nothing to do with each other. */
  readonly caller: string;
  readonly text: string;
  readonly deps: Pick<FunctionDeps, 'stores' | 'clock'>;
}

/**
 * Runs a request once for each idempotency key: a repeated one gets the answer of the first. Without the header it
 * just runs. A refused request did nothing and is not remembered, so that it may be tried again with the same key.
 * Throws FB-REQ-023 for another body and FB-REQ-024 while the first one runs.
 */
export async function answerOnce(once: Once, run: () => Promise<Answer>): Promise<Answer> {
  const header = once.request.headers.get(IDEMPOTENCY_HEADER);
  if (header === null) return run();
  const key = validate(keySchema, header, [IDEMPOTENCY_HEADER]);
  const { idempotency } = once.deps.stores;
  const { pathname } = new URL(once.request.url);
  const id = digest(JSON.stringify([once.caller, pathname, key]));
  const found = await idempotency.get(id);
  if (found !== null && !isExpired(found.value, once)) return replay(found.value, once.text);
  const begun = await begin(id, once, found);
  let answer: Answer;
  try {
    answer = await run();
  } catch (error) {
    await quietly(() => idempotency.delete(id, begun.etag));
    throw error;
  }
  await quietly(() =>
    idempotency.replace({ ...begun.value, ...remembered(answer, once) }, begun.etag),
  );
  return answer;
}

/**
 * What happened counts more than the record of it, which counts for nothing after MAX_REQUEST_MS if it cannot be
 * written now.
 */
async function quietly(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof FailbackError)) throw error;
  }
}

function isExpired({ expiresAt }: IdempotencyRecord, { deps }: Once): boolean {
  return Date.parse(expiresAt) <= deps.clock.now().getTime();
}

/** Of two requests at the same moment one begins; the other learns that it runs. */
async function begin(
  id: string,
  { text, deps }: Once,
  expired: Versioned<IdempotencyRecord> | null,
): Promise<Versioned<IdempotencyRecord>> {
  const { idempotency } = deps.stores;
  const expiresAt = new Date(deps.clock.now().getTime() + MAX_REQUEST_MS).toISOString();
  const record: IdempotencyRecord = { id, bodyHash: digest(text), expiresAt, answer: null };
  try {
    if (expired === null) await idempotency.create(record);
    else await idempotency.replace(record, expired.etag);
  } catch (error) {
    const isTaken = error instanceof FailbackError && error.code === 'FB-REQ-008';
    throw isTaken ? new FailbackError('FB-REQ-024') : error;
  }
  const begun = await idempotency.get(id);
  if (begun === null) throw new FailbackError('FB-REQ-024');
  return begun;
}

function remembered(
  { status = 200, headers = {}, jsonBody: json }: Answer,
  { deps }: Once,
): Pick<IdempotencyRecord, 'answer' | 'expiresAt'> {
  const expiresAt = new Date(deps.clock.now().getTime() + KEPT_MS).toISOString();
  return { expiresAt, answer: { status, headers, json: json ?? null } };
}

function replay({ bodyHash, answer }: IdempotencyRecord, text: string): Answer {
  if (bodyHash !== digest(text)) throw new FailbackError('FB-REQ-023');
  if (answer === null) throw new FailbackError('FB-REQ-024');
  const { status, headers, json } = answer;
  return {
    status,
    headers: { ...headers, [REPLAYED_HEADER]: 'true' },
    ...(json === null ? {} : { jsonBody: json }),
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
