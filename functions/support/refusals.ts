import type { HttpRequest } from '@azure/functions';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { recordEvent } from '../../shared/services/record-event.ts';
import type { FunctionDeps } from './deps.ts';
import type { Answer } from './route.ts';

const ITEM = /\/protected-items\/([^/]+)/;
const JOB = /\/failbacks\/([^/]+)/;
const PLAN = /\/recovery-plans\/([^/]+)/;
const RUN = /\/runs\/([^/]+)/;

interface Asked {
  readonly request: HttpRequest;
  readonly caller: string;
}

/**
 * Answers, and notes in the log of events what somebody whom we know was refused. Strangers are in the log of the
 * host only: they could fill the table.
 */
export async function noting(
  deps: FunctionDeps,
  asked: Asked,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof FailbackError) await recordRefusal(deps, asked, error);
    throw error;
  }
}

/** Not for what only reads. Never throws: the refusal itself has to be answered. */
export async function recordRefusal(
  deps: FunctionDeps,
  { request, caller }: Asked,
  error: FailbackError,
): Promise<void> {
  if (request.method === 'GET') return;
  const { pathname } = new URL(request.url);
  const planId = idIn(PLAN, pathname);
  const runId = idIn(RUN, pathname) ?? named(error, 'runId');
  try {
    await recordEvent(deps.stores, deps.newEventKey(), {
      kind: 'refused',
      at: deps.clock.now().toISOString(),
      caller,
      itemId: idIn(ITEM, pathname) ?? named(error, 'itemId'),
      jobId: idIn(JOB, pathname) ?? named(error, 'jobId'),
      ...(planId === null ? {} : { planId }),
      ...(runId === null ? {} : { runId }),
      message: `${request.method} ${pathname}: ${error.toRecord().message}`,
      code: error.code,
    });
  } catch {
    // Whatever keeps the log from being written keeps the answer from nobody; the host has the warning.
  }
}

function idIn(pattern: RegExp, pathname: string): string | null {
  return pattern.exec(pathname)?.[1] ?? null;
}

function named({ values }: FailbackError, name: string): string | null {
  const value = values[name];
  return typeof value === 'string' ? value : null;
}
