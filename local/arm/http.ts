import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { ArmError } from './arm-error.ts';
import type { ArmContext } from './context.ts';
import type { IdentityEndpoint } from './identity-endpoint.ts';
import { type ArmAnswer, type ArmRoute, findRoute } from './router.ts';

const OPERATION_PATH = '/providers/Microsoft.Compute/locations/lab/operations/';
const RESULT_PATH = '/providers/Microsoft.Compute/locations/lab/operationResults/';

/** The next calls of an operation (`snapshots.createOrUpdate`) fail. */
export interface ArmFault {
  readonly operation: string;
  readonly status: number;
  readonly code: string;
  times: number;
}

interface ListenerParts {
  readonly routes: readonly ArmRoute[];
  readonly context: ArmContext;
  readonly identity: IdentityEndpoint;
  readonly faults: readonly ArmFault[];
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export function createListener(parts: ListenerParts): RequestListener {
  return (request, response) => {
    void respond(parts, request, response);
  };
}

async function respond(
  parts: ListenerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await answerTo(parts, request).catch(toError);
  const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
  response.end(text);
}

function toError(error: unknown): Answer {
  const known =
    error instanceof ArmError ? error : new ArmError(500, 'InternalServerError', String(error));
  const { status, code, message, retryAfterSeconds } = known;
  const headers =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return { status, headers, body: { error: { code, message } } };
}

async function answerTo(parts: ListenerParts, request: IncomingMessage): Promise<Answer> {
  const { routes, identity, faults, context } = parts;
  const url = new URL(request.url ?? '/', `https://${request.headers.host ?? '127.0.0.1'}`);
  const body = await readJson(request);
  if (!identity.isValid(request.headers.authorization)) {
    const headers = { 'www-authenticate': 'Bearer authorization_uri="https://login.lab"' };
    const error = {
      code: 'AuthenticationFailed',
      message: 'The bearer token is missing or unknown.',
    };
    return { status: 401, headers, body: { error } };
  }
  const operation = operationAnswer(context, url);
  if (operation !== null) return operation;
  const method = request.method ?? 'GET';
  const found = findRoute(routes, method, url.pathname);
  if (found === null) {
    throw new ArmError(
      404,
      'InvalidResourceType',
      `The lab does not know ${method} ${url.pathname}.`,
    );
  }
  const fault = faults.find(
    ({ operation: at, times }) => at === found.route.operation && times > 0,
  );
  if (fault !== undefined) {
    fault.times -= 1;
    throw new ArmError(fault.status, fault.code, `Injected: ${fault.code}`, 1);
  }
  const answer = await found.route.handle({ names: found.names, query: url.searchParams, body });
  return present(answer, url, method);
}

function present(answer: ArmAnswer, url: URL, method: string): Answer {
  switch (answer.kind) {
    case 'ok':
      return { status: answer.status ?? 200, body: answer.body };
    case 'none':
      return { status: 204 };
    case 'accepted': {
      const subscription = url.pathname.split('/').slice(0, 3).join('/');
      const headers = {
        'azure-asyncoperation': `${url.origin}${subscription}${OPERATION_PATH}${answer.operationId}?api-version=lab`,
        location: `${url.origin}${subscription}${RESULT_PATH}${answer.operationId}?api-version=lab`,
        'retry-after': '0',
      };
      return { status: method === 'PUT' ? 201 : 202, headers, body: answer.body };
    }
  }
}

/** The two URLs of a long-running operation: its status, and where its result is. */
function operationAnswer(context: ArmContext, url: URL): Answer | null {
  const id = url.pathname.split('/').at(-1) ?? '';
  if (url.pathname.includes(OPERATION_PATH)) {
    const { status, error, result } = context.operations.find(id);
    const properties = result === null ? {} : { properties: { output: result } };
    const body = { status, ...(error === null ? {} : { error }), ...properties };
    return { status: 200, headers: { 'retry-after': '0' }, body };
  }
  if (!url.pathname.includes(RESULT_PATH)) return null;
  const { status, error, result } = context.operations.find(id);
  if (status === 'InProgress') {
    return { status: 202, headers: { location: url.href, 'retry-after': '0' } };
  }
  if (error !== null) return { status: 409, body: { error } };
  return { status: 200, body: result ?? undefined };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? null : (JSON.parse(text) as unknown);
}
