import type { HttpResponseInit } from '@azure/functions';
import { failoverSchema, intentSchema, startJobSchema } from '../../shared/contracts/http-api.ts';
import type { Job } from '../../shared/domain/job.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { ask } from '../jobs/ask.ts';
import { viewJob } from '../jobs/job-view.ts';
import { startJob } from '../jobs/start-job.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { type Handle, readBody, readOptionalBody, type Route, validate } from '../support/http.ts';

const MAX_LISTED = 200;

/** Starts a failback. 202 with the job; 409 while another job holds the item. */
const create: Handle = async (request, deps) => {
  const job = await startJob(deps, 'failback', await readBody(request, startJobSchema));
  return accepted(deps, job);
};

const rehearse: Handle = async (request, deps) => {
  const job = await startJob(deps, 'rehearsal', await readBody(request, startJobSchema));
  return accepted(deps, job);
};

/** Newest first; `?protectedItemId=` narrows to one machine. */
const list: Handle = async (request, deps) => {
  const itemId = request.query.get('protectedItemId');
  const jobs = await deps.stores.jobs.list();
  const wanted = jobs.filter((job) => itemId === null || job.itemId === itemId);
  const views = wanted.slice(0, MAX_LISTED).map((job) => viewJob(deps, job));
  return { jsonBody: { value: await Promise.all(views) } };
};

const get: Handle = async (request, deps) => {
  const id = request.params['id'] ?? '';
  const found = await deps.stores.jobs.get(id);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id });
  return { jsonBody: await viewJob(deps, found.value) };
};

const act: Handle = async (request, deps) => {
  const intent = validate(intentSchema, request.params['action'], ['action']);
  const id = request.params['id'] ?? '';
  if (intent !== 'failover') return accepted(deps, await ask(deps, id, { intent }));
  const { recoveryPoint } = await readOptionalBody(request, failoverSchema);
  return accepted(deps, await ask(deps, id, { intent, recoveryPoint }));
};

async function accepted(deps: FunctionDeps, job: Job): Promise<HttpResponseInit> {
  const headers = { location: `/api/failbacks/${job.id}`, 'retry-after': '5' };
  return { status: 202, headers, jsonBody: await viewJob(deps, job) };
}

export const FAILBACK_ROUTES: readonly Route[] = [
  {
    name: 'createFailback',
    method: 'POST',
    route: 'failbacks',
    authLevel: 'function',
    handle: create,
  },
  { name: 'listFailbacks', method: 'GET', route: 'failbacks', authLevel: 'function', handle: list },
  {
    name: 'getFailback',
    method: 'GET',
    route: 'failbacks/{id}',
    authLevel: 'function',
    handle: get,
  },
  {
    name: 'actOnFailback',
    method: 'POST',
    route: 'failbacks/{id}/{action}',
    authLevel: 'function',
    handle: act,
  },
  {
    name: 'createRehearsal',
    method: 'POST',
    route: 'rehearsals',
    authLevel: 'function',
    handle: rehearse,
  },
];
