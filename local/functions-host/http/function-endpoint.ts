import type { Invoker } from '../invoke.ts';
import type { InvocationResponse, RpcHttpResponse } from '../core-module.ts';
import type { HostLogger } from '../support/logger.ts';
import { cookieText } from './cookies.ts';
import { authorize, type FunctionKeys } from './keys.ts';
import { type HttpRoute, matchRoute } from './routes.ts';
import type { HttpAnswer, HttpRequestData } from './server.ts';

interface EndpointOptions {
  readonly invoker: Invoker;
  readonly routes: readonly HttpRoute[];
  readonly keys: FunctionKeys;
  readonly logger: HostLogger;
  readonly clientBinding: () => string;
}

/** Answers requests to HTTP triggers. `null` when no route has that path. */
export async function answerFunction(
  options: EndpointOptions,
  request: HttpRequestData,
): Promise<HttpAnswer | null> {
  const { invoker, routes, keys, logger, clientBinding } = options;
  const match = matchRoute(routes, request.method, request.url.pathname);
  if (match === null) return null;
  if (match === 'methodNotAllowed') return { status: 405 };
  const { functionName, authLevel } = match.route;
  const given = request.headers['x-functions-key'] ?? request.url.searchParams.get('code');
  if (authorize(keys, functionName, authLevel, given) === null) return { status: 401 };
  try {
    const response = await invoker.invoke({
      functionName,
      inputs: {
        httpTrigger: { http: toRpc(request, match.params) },
        durableClient: { string: clientBinding() },
      },
      triggerMetadata: {},
    });
    return fromRpc(httpOf(response));
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    logger.log('error', `${functionName} threw: ${text}`);
    return { status: 500 };
  }
}

function httpOf({ returnValue, outputData = [] }: InvocationResponse): RpcHttpResponse | null {
  const answers = [returnValue, ...outputData.map(({ data }) => data)];
  return answers.find((data) => data?.http)?.http ?? null;
}

/** As the real host does, the key goes along in header and query: functions may look at it. */
function toRpc(request: HttpRequestData, params: Readonly<Record<string, string>>): object {
  return {
    url: request.url.href,
    method: request.method,
    headers: request.headers,
    query: Object.fromEntries(request.url.searchParams),
    params,
    body: request.body.length === 0 ? undefined : { bytes: request.body },
  };
}

function fromRpc(response: RpcHttpResponse | null): HttpAnswer {
  if (response === null) return { status: 204 };
  const body = response.body?.bytes ?? response.body?.string ?? response.body?.json ?? undefined;
  const cookies = (response.cookies ?? []).map(cookieText);
  return {
    status: Number(response.statusCode ?? '200'),
    headers: { ...response.headers, ...(cookies.length === 0 ? {} : { 'set-cookie': cookies }) },
    ...(body === undefined ? {} : { body }),
  };
}
