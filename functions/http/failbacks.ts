import { z } from 'zod';
import {
  failoverPreviewSchema,
  failoverSchema,
  jobActionSchema,
  jobFilter,
  jobViewSchema,
  type StartJob,
  startJobSchema,
} from '../../shared/contracts/http-api.ts';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
import type { Job } from '../../shared/domain/job.ts';
import { isAskedFor } from '../../shared/domain/job-filter.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import { ask } from '../jobs/ask.ts';
import { viewJob } from '../jobs/job-view.ts';
import { previewFailover } from '../jobs/preview-failover.ts';
import { startJob } from '../jobs/start-job.ts';
import { takeUp } from '../jobs/take-up.ts';
import { roleFor } from '../security/elevation.ts';
import type { Role } from '../security/roles.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { assertIfMatch, etagOf } from '../support/etag.ts';
import { pageBody, pageRequest } from '../support/paging.ts';
import { type Answer, apiRoute, type Route } from '../support/route.ts';

const startElevation = {
  roles: ['committer'],
  roleOf: ({ body }: { body: StartJob }): Role => roleFor(body.options),
} as const;

const createRoute = apiRoute({
  name: 'createFailback',
  method: 'POST',
  path: 'failbacks',
  summary: 'Starts a failback; 409 while another job holds the machine',
  role: 'operator',
  elevation: startElevation,
  body: startJobSchema,
  example: { protectedItemId: 'web-01', options: { cycleIntervalSeconds: 600 } },
  responses: { 202: { description: 'Started.', schema: jobViewSchema } },
  handle: async ({ body, caller: { name: caller } }, deps) =>
    accepted(deps, await startJob(deps, 'failback', { ...body, caller })),
});

const rehearseRoute = apiRoute({
  name: 'createRehearsal',
  method: 'POST',
  path: 'rehearsals',
  summary: 'Starts a test failback, which leaves no trace',
  role: 'operator',
  body: startJobSchema,
  example: { protectedItemId: 'web-01' },
  responses: { 202: { description: 'Started.', schema: jobViewSchema } },
  handle: async ({ body, caller: { name: caller } }, deps) =>
    accepted(deps, await startJob(deps, 'rehearsal', { ...body, caller })),
});

const listRoute = apiRoute({
  name: 'listFailbacks',
  method: 'GET',
  path: 'failbacks',
  summary: 'Failbacks and rehearsals',
  role: 'reader',
  query: z.strictObject({ ...pageQuery, ...jobFilter }),
  responses: { 200: { description: 'Newest first.', schema: pageSchema(jobViewSchema) } },
  handle: async ({ request, query }, deps) => {
    const where = (job: Job): boolean => isAskedFor(job, query);
    const page = await deps.stores.jobs.listPage({ ...pageRequest(query), where });
    const views = await Promise.all(page.values.map((job) => viewJob(deps, job)));
    return { jsonBody: pageBody(request, page.next, views) };
  },
});

const getRoute = apiRoute({
  name: 'getFailback',
  method: 'GET',
  path: 'failbacks/{id}',
  summary: 'One failback or rehearsal: phase, progress, history, report',
  role: 'reader',
  params: z.object({ id: z.string() }),
  responses: { 200: { description: 'The job.', schema: jobViewSchema } },
  hasETag: true,
  handle: async ({ params: { id } }, deps) => show(deps, await find(deps, id)),
});

const previewRoute = apiRoute({
  name: 'previewFailover',
  method: 'GET',
  path: 'failbacks/{id}/failover-preview',
  summary: 'What a failover to a recovery point would cost now; changes nothing',
  role: 'reader',
  params: z.object({ id: z.string() }),
  query: z.strictObject({ recoveryPoint: z.string().min(1).max(80).default('latest') }),
  responses: { 200: { description: 'Loss and downtime.', schema: failoverPreviewSchema } },
  handle: async ({ params: { id }, query: { recoveryPoint } }, deps) => ({
    jsonBody: await previewFailover(deps, id, recoveryPoint),
  }),
});

const actRoute = apiRoute({
  name: 'actOnFailback',
  method: 'POST',
  path: 'failbacks/{id}/{action}',
  summary: 'Fails over, commits (no way back), cancels, resumes or restarts',
  role: 'operator',
  elevation: {
    roles: ['committer'],
    // Two machines of one identity have no way back either.
    roleOf: ({ params: { action }, body: { acceptUnreachableSource } }) =>
      action === 'commit' || acceptUnreachableSource === true ? 'committer' : 'operator',
  },
  params: z.object({ id: z.string(), action: jobActionSchema }),
  body: failoverSchema,
  isBodyOptional: true,
  example: { recoveryPoint: 'latestApplicationConsistent' },
  responses: {
    202: { description: 'Asked for, or the job that takes it up.', schema: jobViewSchema },
  },
  hasETag: true,
  handle: async ({ request, params, body, caller }, deps) => {
    const { id, action } = params;
    const check = (current: Versioned<Job>): void => assertIfMatch(request, current);
    if (action === 'resume' || action === 'restart') {
      return accepted(deps, await takeUp(deps, id, { action, caller, check }));
    }
    const asked = { check, caller: caller.name };
    const wish = action === 'failover' ? { ...asked, ...body } : asked;
    return accepted(deps, await ask(deps, id, { ...wish, intent: action }));
  },
});

async function accepted(deps: FunctionDeps, { id }: Job): Promise<Answer> {
  const answer = await show(deps, await find(deps, id));
  const headers = { ...answer.headers, location: `/api/failbacks/${id}`, 'retry-after': '5' };
  return { ...answer, status: 202, headers };
}

async function find({ stores }: FunctionDeps, id: string): Promise<Versioned<Job>> {
  const found = await stores.jobs.get(id);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id });
  return found;
}

async function show(deps: FunctionDeps, found: Versioned<Job>): Promise<Answer> {
  const view = await viewJob(deps, found.value);
  return { jsonBody: view, headers: { etag: etagOf(found.etag, view) } };
}

export const FAILBACK_ROUTES: readonly Route[] = [
  createRoute,
  listRoute,
  getRoute,
  previewRoute,
  actRoute,
  rehearseRoute,
];
