import { RestError } from '@azure/core-rest-pipeline';
import { redact } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';

/** Answers after which the same call may succeed without anybody changing anything. */
const PASSING_STATUS: readonly number[] = [408, 409, 412, 425, 429, 500, 502, 503, 504];

/** 409 codes that no waiting cures. */
const LASTING_CONFLICTS: readonly string[] = ['ScopeLocked', 'SnapshotsPresent', 'QuotaExceeded'];

/** What the SDK makes of a long-running operation that Azure accepted and then failed: a plain Error. */
const FAILED_OPERATION = /^The long-running operation has failed\. (\w+)\. ([^]*)$/;

/** What Azure said. `status` is `null` for a failed long-running operation and for a broken connection. */
export interface AzureFailure {
  readonly status: number | null;
  readonly code: string;
  readonly message: string;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof RestError && error.statusCode === 404;
}

export function azureFailure(error: unknown): AzureFailure {
  const message = redact(error instanceof Error ? firstLine(error.message) : String(error));
  if (error instanceof RestError) {
    const status = error.statusCode ?? null;
    return { status, code: error.code ?? String(status ?? 'Error'), message };
  }
  const [, code, detail] = FAILED_OPERATION.exec(error instanceof Error ? error.message : '') ?? [];
  if (code === undefined || detail === undefined) return { status: null, code: 'Error', message };
  return { status: null, code, message: redact(firstLine(detail)) };
}

/** Runs one call to Azure and translates its failure: FB-AZ-002 when it may pass, else FB-AZ-001. */
export async function callAzure<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translated(operation, error);
  }
}

export function translated(operation: string, error: unknown): FailbackError {
  if (error instanceof FailbackError) return error;
  const { status, code, message: detail } = azureFailure(error);
  const values = { operation, code, detail, ...(status === null ? {} : { status }) };
  return new FailbackError(isPassing(error) ? 'FB-AZ-002' : 'FB-AZ-001', values, { cause: error });
}

/** As callAzure; `null` when Azure does not know the resource. */
export async function findInAzure<T>(operation: string, call: () => Promise<T>): Promise<T | null> {
  return callAzure(operation, async () => {
    try {
      return await call();
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  });
}

function isPassing(error: unknown): boolean {
  // Credential and network failures carry no status; they pass once the service is back.
  if (!(error instanceof RestError) || error.statusCode === undefined) return true;
  if (error.code !== undefined && LASTING_CONFLICTS.includes(error.code)) return false;
  return PASSING_STATUS.includes(error.statusCode);
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 300);
}

/** A fact that may not be read is not known; a failure that may pass is thrown. */
export async function unlessRefused<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FailbackError && !error.isRetryable) return null;
    throw error;
  }
}
