import { HttpRequest, type HttpResponseInit } from '@azure/functions';
import { AGENT_ROUTES } from '../../../functions/agent-api/routes.ts';
import { FAILBACK_ROUTES } from '../../../functions/http/failbacks.ts';
import { PROTECTED_ITEM_ROUTES } from '../../../functions/http/protected-items.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import { answering, type HandlerContext, type Route } from '../../../functions/support/http.ts';
import type { ProblemDetails } from '../../../shared/contracts/http-api.ts';

export const ROUTES: readonly Route[] = [
  ...FAILBACK_ROUTES,
  ...PROTECTED_ITEM_ROUTES,
  ...AGENT_ROUTES,
];

export interface CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
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
  const { params = {}, query = {}, headers = {}, body } = options;
  const path = route.route.replaceAll(/\{(\w+)\}/g, (_, key: string) => params[key] ?? '');
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const request = new HttpRequest({
    method: route.method,
    url: `http://127.0.0.1:7071/api/${path}`,
    params: { ...params },
    query: { ...query },
    headers: { ...headers },
    ...(body === undefined ? {} : { body: { string: text } }),
  });
  const warnings: string[] = [];
  const context = { warn: (line: string) => warnings.push(line) } as unknown as HandlerContext;
  const answer = (await answering(route.handle, () => deps)(request, context)) as HttpResponseInit;
  return {
    status: answer.status ?? 200,
    headers: (answer.headers ?? {}) as Record<string, string>,
    json: jsonOf(answer),
    warnings,
  };
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
