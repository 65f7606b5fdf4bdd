import { RestError } from '@azure/core-rest-pipeline';
import { redact } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';

/** Answers after which the same call may succeed without anybody changing anything. */
const PASSING_STATUS: readonly number[] = [408, 409, 412, 425, 429, 500, 502, 503, 504];

/** 409 codes that no waiting cures. */
const LASTING_CONFLICTS: readonly string[] = ['ScopeLocked', 'SnapshotsPresent', 'QuotaExceeded'];

export function isNotFound(error: unknown): boolean {
  return error instanceof RestError && error.statusCode === 404;
}

/** Runs one call to Azure and translates its failure: FB-AZ-002 when it may pass, else FB-AZ-001. */
export async function callAzure<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof FailbackError) throw error;
    const code = error instanceof RestError ? (error.code ?? String(error.statusCode)) : 'Error';
    const detail = redact(error instanceof Error ? firstLine(error.message) : String(error));
    const values = { operation, code, detail };
    throw new FailbackError(isPassing(error) ? 'FB-AZ-002' : 'FB-AZ-001', values, { cause: error });
  }
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
