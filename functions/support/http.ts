import type { HttpHandler, HttpMethod, HttpRequest, HttpResponseInit } from '@azure/functions';
import type { z } from 'zod';
import type { ProblemDetails } from '../../shared/contracts/http-api.ts';
import type { ErrorCode } from '../../shared/errors/catalogue.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { FunctionDeps } from './deps.ts';

export type Handle = (request: HttpRequest, deps: FunctionDeps) => Promise<HttpResponseInit>;

/** One line of the route table in app.ts. Agents prove who they are with their own key, not a function key. */
export interface Route {
  readonly name: string;
  readonly method: HttpMethod;
  readonly route: string;
  readonly authLevel: 'function' | 'anonymous';
  readonly handle: Handle;
}

/** A request body with everything that is wrong in it, named by path. */
export class InvalidBody extends FailbackError {
  readonly problems: readonly { readonly path: string; readonly message: string }[];

  constructor(issues: readonly { path: readonly PropertyKey[]; message: string }[]) {
    const problems = issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    const text = problems.map(({ path, message }) => `${path || 'body'}: ${message}`).join('; ');
    super('FB-REQ-001', { problems: text });
    this.problems = problems;
  }
}

/** Reads and validates a JSON body; throws InvalidBody. */
export async function readBody<S extends z.ZodType>(
  request: HttpRequest,
  schema: S,
): Promise<z.output<S>> {
  return validate(schema, parseJson(await request.text()));
}

/** As readBody, where no body at all means an empty object. */
export async function readOptionalBody<S extends z.ZodType>(
  request: HttpRequest,
  schema: S,
): Promise<z.output<S>> {
  const text = await request.text();
  return validate(schema, text.trim() === '' ? {} : parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new InvalidBody([{ path: [], message: 'must be a JSON document' }]);
  }
}

/** `at` says where the value stands when it is not the body. Throws InvalidBody. */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  at: readonly string[] = [],
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({
    path: [...at, ...path],
    message,
  }));
  throw new InvalidBody(issues);
}

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  'FB-REQ-001': 400,
  'FB-REQ-002': 404,
  'FB-REQ-003': 409,
  'FB-REQ-004': 409,
  'FB-REQ-005': 409,
  'FB-REQ-006': 401,
  'FB-REQ-007': 409,
  'FB-REQ-008': 412,
  'FB-REQ-010': 409,
  'FB-AZ-001': 502,
  'FB-AZ-002': 503,
  'FB-AZ-004': 409,
  'FB-AZ-006': 503,
  'FB-ORC-010': 409,
};

/** Wraps a handler: failures of ours become problem documents, everything else stays a 500 of the host. */
export function answering(
  handle: Handle,
  depsOf: (context: HandlerContext) => FunctionDeps,
): HttpHandler {
  return async (request, context) => {
    try {
      return await handle(request, depsOf(context));
    } catch (error) {
      if (!(error instanceof FailbackError)) throw error;
      context.warn(`${request.method} ${new URL(request.url).pathname}: ${error.message}`);
      return problem(error);
    }
  };
}

export type HandlerContext = Parameters<HttpHandler>[1];

function problem(error: FailbackError): HttpResponseInit {
  const record = error.toRecord();
  const status = STATUS_OF[error.code] ?? 500;
  const document: ProblemDetails = {
    type: `urn:azure-failback:${record.code}`,
    title: record.message,
    status,
    detail: record.message,
    code: record.code,
    possibleCauses: record.possibleCauses,
    recommendedAction: record.recommendedAction,
    ...(error instanceof InvalidBody ? { problems: error.problems } : {}),
  };
  const headers = { 'content-type': 'application/problem+json' };
  return { status, headers, body: JSON.stringify(document) };
}
