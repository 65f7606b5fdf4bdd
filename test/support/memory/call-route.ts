import { HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import { ROUTES } from '../../../functions/routes.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import { answering } from '../../../functions/support/http.ts';
import type { Route } from '../../../functions/support/route.ts';
import { type ProblemDetails, problemSchema } from '../../../shared/contracts/http/problem.ts';
import { COMMITTER_KEY } from './memory-access-keys.ts';

export interface CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Function key; absent = one that may do everything, `null` = none. */
  readonly key?: string | null;
  /** Sent as JSON, or as it is when it is a text. */
  readonly body?: unknown;
}

export interface Called {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as a client would read it. */
  readonly json: unknown;
  readonly warnings: readonly string[];
}

/** Calls a route as the host does, by its registered name. */
export async function callRoute(
  deps: FunctionDeps,
  name: string,
  options: CallOptions = {},
): Promise<Called> {
  const route = ROUTES.find((candidate) => candidate.name === name);
  if (route === undefined) throw new Error(`there is no route ${name}`);
  const { params = {}, query = {}, headers = {}, key = COMMITTER_KEY, body } = options;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, key: string) => params[key] ?? '');
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const request = new HttpRequest({
    method: route.method,
    url: `http://127.0.0.1:7071/api/${path}${queryText(query)}`,
    params: { ...params },
    query: { ...query },
    headers: { ...(key === null ? {} : { 'x-functions-key': key }), ...headers },
    ...(body === undefined ? {} : { body: { string: text } }),
  });
  const warnings: string[] = [];
  const context = {
    warn: (line: string) => warnings.push(line),
  } as unknown as InvocationContext;
  const answer = (await answering(route, () => deps)(request, context)) as HttpResponseInit;
  const called = {
    status: answer.status ?? 200,
    headers: (answer.headers ?? {}) as Record<string, string>,
    json: jsonOf(answer),
    warnings,
  };
  assertDeclared(route, called);
  return called;
}

/** Every answer must be what the route, and so the OpenAPI document, says of it. */
function assertDeclared({ name, responses }: Route, { status, json }: Called): void {
  if (status === 304) return;
  if (status >= 400) {
    problemSchema.parse(json);
    return;
  }
  const declared = responses[status];
  if (declared === undefined) throw new Error(`${name} does not declare the status ${status}`);
  if (declared.schema === undefined) {
    if (json !== null) throw new Error(`${name} declares no body for ${status}`);
    return;
  }
  declared.schema.parse(json);
}

function queryText(query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}

/** The problem document of an answer; throws when it is none. */
export function problemOf({ headers, json }: Called): ProblemDetails {
  if (headers['content-type'] !== 'application/problem+json') {
    throw new Error(`expected a problem document, got ${JSON.stringify(json)}`);
  }
  return json as ProblemDetails;
}

function jsonOf({ jsonBody, body }: HttpResponseInit): unknown {
  if (jsonBody !== undefined) return JSON.parse(JSON.stringify(jsonBody));
  return typeof body === 'string' ? JSON.parse(body) : null;
}
