import type { DurableManagement, Verdict } from '../durable/management.ts';
import { ENDED, type Instance } from '../durable/history.ts';
import { type HttpAnswer, type HttpRequestData, jsonAnswer } from './server.ts';

const PAGE_SIZE = 100;

/** Management URLs of an instance. */
export type PayloadOf = (id: string) => Record<string, string>;

export interface DurableApi {
  readonly management: DurableManagement;
  readonly payloadOf: PayloadOf;
}

/**
 * The HTTP management API of the durable extension, as DurableClient calls it.
 * `path` is what follows `/durabletask/` or `/runtime/webhooks/durabletask/`.
 */
export function answerDurable(
  { management, payloadOf }: DurableApi,
  request: HttpRequestData,
  path: string,
): HttpAnswer {
  const [collection = '', id = '', action = '', argument = ''] = path
    .split('/')
    .map((segment) => decodeURIComponent(segment));
  if (collection === 'orchestrators' && request.method === 'POST') {
    const target = { name: id, id: action === '' ? null : action };
    return start({ management, payloadOf }, request, target);
  }
  if (collection === 'entities') {
    const message = 'The local Functions host has no durable entities. Use an activity.';
    return jsonAnswer(501, { message });
  }
  if (collection !== 'instances') return { status: 404 };
  return answerInstances({ management, payloadOf }, request, { id, action, argument });
}

interface InstanceTarget {
  readonly id: string;
  readonly action: string;
  readonly argument: string;
}

function answerInstances(
  api: DurableApi,
  request: HttpRequestData,
  target: InstanceTarget,
): HttpAnswer {
  switch (request.method) {
    case 'GET':
      return read(api, request, target.id);
    case 'DELETE':
      return purge(api.management, request, target.id);
    case 'POST':
      return act(api, request, target);
    default:
      return { status: 405 };
  }
}

function start(
  { management, payloadOf }: DurableApi,
  request: HttpRequestData,
  { name, id }: { name: string; id: string | null },
): HttpAnswer {
  const input = bodyJson(request);
  if (input === undefined) return jsonAnswer(400, { message: 'The body is not valid JSON.' });
  try {
    return accepted(payloadOf(management.start(name, id, input)), 10);
  } catch (error) {
    // The extension answers a living instance of the same id with 500 as well.
    return jsonAnswer(500, { message: error instanceof Error ? error.message : String(error) });
  }
}

/** 202 with the place to ask again. */
function accepted(payload: Record<string, string>, retryAfterSeconds: number): HttpAnswer {
  return jsonAnswer(202, payload, whereToAsk(payload, retryAfterSeconds));
}

function whereToAsk(
  payload: Record<string, string>,
  retryAfterSeconds: number,
): Record<string, string> {
  const location = payload['statusQueryGetUri'] ?? '';
  return { location, 'retry-after': String(retryAfterSeconds) };
}

function read(
  { management, payloadOf }: DurableApi,
  request: HttpRequestData,
  id: string,
): HttpAnswer {
  if (id === '') return list(management, request);
  const query = request.url.searchParams;
  const status = management.status(id, query.get('showHistory')?.toLowerCase() === 'true');
  if (status === null) return { status: 404 };
  const showsInput = query.get('showInput')?.toLowerCase() !== 'false';
  const shown = showsInput ? status : { ...status, input: null };
  if (!ENDED.includes(status.runtimeStatus)) {
    return jsonAnswer(202, shown, whereToAsk(payloadOf(id), 5));
  }
  const wantsError = query.get('returnInternalServerErrorOnFailure')?.toLowerCase() === 'true';
  return jsonAnswer(wantsError && status.runtimeStatus === 'Failed' ? 500 : 200, shown);
}

function list(management: DurableManagement, request: HttpRequestData): HttpAnswer {
  const query = request.url.searchParams;
  const after = placeOf(request.headers['x-ms-continuation-token']);
  const all = management.list(filterOf(query)).filter((each) => isAfter(each, after));
  const page = all.slice(0, Number(query.get('top') ?? PAGE_SIZE));
  const last = page.at(-1);
  if (last === undefined || page.length === all.length) return jsonAnswer(200, page);
  return jsonAnswer(200, page, { 'x-ms-continuation-token': tokenOf(last) });
}

type Listed = ReturnType<DurableManagement['list']>[number];

/** The last instance that was listed, not a count: the pages fit together while instances are purged. */
function tokenOf({ createdTime, instanceId }: Listed): string {
  return Buffer.from(`${createdTime} ${instanceId}`).toString('base64url');
}

function placeOf(token: string | undefined): string {
  return Buffer.from(token ?? '', 'base64url').toString('utf8');
}

/** ISO times of one length sort as texts do, so this is the order of the list itself. */
function isAfter({ createdTime, instanceId }: Listed, place: string): boolean {
  return `${createdTime} ${instanceId}` > place;
}

function purge(management: DurableManagement, request: HttpRequestData, id: string): HttpAnswer {
  const isWanted =
    id === ''
      ? filterOf(request.url.searchParams)
      : (instance: Instance): boolean => instance.id === id;
  const instancesDeleted = management.purge(isWanted);
  return instancesDeleted === 0 ? { status: 404 } : jsonAnswer(200, { instancesDeleted });
}

function filterOf(query: URLSearchParams): (instance: Instance) => boolean {
  const after = Date.parse(query.get('createdTimeFrom') ?? '');
  const before = Date.parse(query.get('createdTimeTo') ?? '');
  const statuses = (query.get('runtimeStatus') ?? '').toLowerCase().split(',').filter(Boolean);
  const prefix = query.get('instanceIdPrefix') ?? '';
  return ({ id, createdAt, status }) => {
    if (!id.startsWith(prefix)) return false;
    const created = Date.parse(createdAt);
    if (created < after || created > before) return false;
    return statuses.length === 0 || statuses.includes(status.toLowerCase());
  };
}

function act(
  { management, payloadOf }: DurableApi,
  request: HttpRequestData,
  { id, action, argument }: InstanceTarget,
): HttpAnswer {
  const reason = request.url.searchParams.get('reason') ?? '';
  switch (action) {
    case 'raiseEvent': {
      const input = bodyJson(request);
      if (input === undefined) return jsonAnswer(400, { message: 'The body is not valid JSON.' });
      return verdict(management.raiseEvent(id, argument, input ?? 'null'));
    }
    case 'terminate':
      return verdict(management.terminate(id, reason));
    case 'suspend':
      return verdict(management.suspend(id));
    case 'resume':
      return verdict(management.resume(id));
    case 'rewind':
      return verdict(management.rewind(id));
    case 'restart':
      return restart({ management, payloadOf }, request, id);
    default:
      return { status: 404 };
  }
}

function restart(
  { management, payloadOf }: DurableApi,
  request: HttpRequestData,
  id: string,
): HttpAnswer {
  const isNew = request.url.searchParams.get('restartWithNewInstanceId') !== 'false';
  try {
    const newId = management.restart(id, isNew);
    return newId === null ? { status: 404 } : accepted(payloadOf(newId), 10);
  } catch (error) {
    return jsonAnswer(500, { message: error instanceof Error ? error.message : String(error) });
  }
}

const VERDICT_STATUS: Record<Verdict, number> = {
  done: 202,
  notFound: 404,
  ended: 410,
  refused: 412,
};

function verdict(outcome: Verdict): HttpAnswer {
  return { status: VERDICT_STATUS[outcome] };
}

/** The body as JSON text, `null` when it is empty, `undefined` when it is not JSON. */
function bodyJson({ body }: HttpRequestData): string | null | undefined {
  if (body.length === 0) return null;
  try {
    return JSON.stringify(JSON.parse(body.toString('utf8')));
  } catch {
    return undefined;
  }
}
