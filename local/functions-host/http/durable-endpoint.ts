import type { DurableManagement, Verdict } from '../durable/management.ts';
import { ENDED, type Instance } from '../durable/history.ts';
import { type HttpAnswer, type HttpRequestData, jsonAnswer } from './server.ts';

const PAGE_SIZE = 100;

/**
 * The HTTP management API of the durable extension, as DurableClient calls it.
 * `path` is what follows `/durabletask/` or `/runtime/webhooks/durabletask/`.
 */
export function answerDurable(
  management: DurableManagement,
  request: HttpRequestData,
  path: string,
): HttpAnswer {
  const [collection = '', id = '', action = '', argument = ''] = path
    .split('/')
    .map((segment) => decodeURIComponent(segment));
  if (collection === 'orchestrators' && request.method === 'POST') {
    return start(management, request, { name: id, id: action === '' ? null : action });
  }
  if (collection !== 'instances') return { status: 404 };
  if (request.method === 'GET') return read(management, request, id);
  if (request.method === 'DELETE') return purge(management, request, id);
  if (request.method !== 'POST') return { status: 405 };
  return act(management, request, { id, action, argument });
}

function start(
  management: DurableManagement,
  request: HttpRequestData,
  { name, id }: { name: string; id: string | null },
): HttpAnswer {
  const input = bodyJson(request);
  if (input === undefined) return jsonAnswer(400, { message: 'The body is not valid JSON.' });
  try {
    return jsonAnswer(202, { id: management.start(name, id, input) });
  } catch (error) {
    // The extension answers a living instance of the same id with 500 as well.
    return jsonAnswer(500, { message: error instanceof Error ? error.message : String(error) });
  }
}

function read(management: DurableManagement, request: HttpRequestData, id: string): HttpAnswer {
  if (id === '') return list(management, request);
  const query = request.url.searchParams;
  const status = management.status(id, query.get('showHistory')?.toLowerCase() === 'true');
  if (status === null) return { status: 404 };
  const code = ENDED.includes(status.runtimeStatus) ? 200 : 202;
  const showsInput = query.get('showInput')?.toLowerCase() !== 'false';
  return jsonAnswer(code, showsInput ? status : { ...status, input: null });
}

function list(management: DurableManagement, request: HttpRequestData): HttpAnswer {
  const all = management.list(filterOf(request.url.searchParams));
  const offset = Number(request.headers['x-ms-continuation-token'] ?? '0');
  const page = all.slice(offset, offset + PAGE_SIZE);
  const next = offset + PAGE_SIZE;
  const headers = next < all.length ? { 'x-ms-continuation-token': String(next) } : {};
  return jsonAnswer(200, page, headers);
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
  return ({ createdAt, status }) => {
    const created = Date.parse(createdAt);
    if (created < after || created > before) return false;
    return statuses.length === 0 || statuses.includes(status.toLowerCase());
  };
}

function act(
  management: DurableManagement,
  request: HttpRequestData,
  { id, action, argument }: { id: string; action: string; argument: string },
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
    case 'restart': {
      const isNew = request.url.searchParams.get('restartWithNewInstanceId') !== 'false';
      const newId = management.restart(id, isNew);
      return newId === null ? { status: 404 } : jsonAnswer(202, { id: newId });
    }
    default:
      return { status: 404 };
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
