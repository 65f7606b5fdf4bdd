import type { AdminEndpoint } from './admin-endpoint.ts';
import { answerDurable, type DurableApi } from './durable-endpoint.ts';
import { equal, type FunctionKeys } from './keys.ts';
import { type HttpAnswer, type HttpRequestData, jsonAnswer } from './server.ts';

interface SystemParts {
  readonly durable: DurableApi;
  readonly keys: FunctionKeys;
  readonly admin: AdminEndpoint;
}

const RPC_PREFIX = '/durabletask/';
const WEBHOOK_PREFIX = '/runtime/webhooks/durabletask/';
const ADMIN_RUN = /^\/admin\/functions\/([^/]+)$/;

/** Paths of the host itself; `null` for all others. */
export function answerSystem(
  { durable, keys, admin }: SystemParts,
  request: HttpRequestData,
): HttpAnswer | null {
  const { pathname, searchParams } = request.url;
  const given = request.headers['x-functions-key'] ?? searchParams.get('code') ?? '';
  const isMaster = equal(given, keys.master);
  // The real host's RPC endpoint is open to its own machine only, as this one is.
  if (pathname.startsWith(RPC_PREFIX)) {
    return answerDurable(durable, request, pathname.slice(RPC_PREFIX.length));
  }
  if (pathname.startsWith(WEBHOOK_PREFIX)) {
    if (!isMaster && !equal(given, keys.durable)) return { status: 401 };
    return answerDurable(durable, request, pathname.slice(WEBHOOK_PREFIX.length));
  }
  // Without a key: whoever starts the host asks here whether it is up.
  if (pathname === '/admin/host/status') return jsonAnswer(200, { state: 'Running' });
  const functionName = ADMIN_RUN.exec(pathname)?.[1];
  if (functionName === undefined) return null;
  if (!isMaster) return { status: 401 };
  if (request.method !== 'POST') return { status: 405 };
  return admin.answer(request, decodeURIComponent(functionName));
}
