import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
import {
  completeStepSchema,
  planRunReportSchema,
  planRunViewSchema,
  resumeRunSchema,
  type RunPlan,
  runPlanSchema,
} from '../../shared/contracts/http/recovery-plans.ts';
import { PLAN_RUN_STATES, type PlanRun } from '../../shared/domain/plan-run.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import { decide, type PlanWish } from '../plans/decide.ts';
import { startRun } from '../plans/start-run.ts';
import { viewRun, viewRunWithReport } from '../plans/view-run.ts';
import type { Caller } from '../security/caller.ts';
import { roleFor } from '../security/elevation.ts';
import type { Role } from '../security/roles.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { assertIfMatch, etagOf } from '../support/etag.ts';
import { pageBody, pageRequest } from '../support/paging.ts';
import { type Answer, apiRoute, type Route } from '../support/route.ts';

const ONE = 'recovery-plans/{id}/runs/{runId}';
const oneParams = z.object({ id: z.string(), runId: z.string() });
const ASKED = { 202: { description: 'Asked for.', schema: planRunViewSchema } };

const runElevation = {
  roles: ['committer'],
  roleOf: ({ body }: { body: RunPlan }): Role =>
    body.acceptUnreachableSource === true ? 'committer' : roleFor(body.options),
} as const;

const startRoute = apiRoute({
  name: 'runRecoveryPlan',
  method: 'POST',
  path: 'recovery-plans/{id}/run',
  summary: 'Runs a recovery plan; 409 while another run has it',
  role: 'operator',
  elevation: runElevation,
  params: z.object({ id: z.string() }),
  body: runPlanSchema,
  example: { kind: 'failback', recoveryPoint: 'latest', options: { cycleIntervalSeconds: 600 } },
  responses: { 202: { description: 'Started.', schema: planRunViewSchema } },
  handle: async ({ params: { id }, body, caller: { name: caller } }, deps) => {
    const { id: runId } = await startRun(deps, id, { ...body, caller });
    return accepted(await requireRun(deps, { id, runId }));
  },
});

const listRoute = apiRoute({
  name: 'listPlanRuns',
  method: 'GET',
  path: 'recovery-plans/{id}/runs',
  summary: 'Runs of a recovery plan, without their machines',
  role: 'reader',
  params: z.object({ id: z.string() }),
  query: z.strictObject({ ...pageQuery, state: z.enum(PLAN_RUN_STATES).optional() }),
  responses: { 200: { description: 'Newest first.', schema: pageSchema(planRunViewSchema) } },
  handle: async ({ request, params: { id }, query }, { stores }) => {
    const where = ({ planId, state }: PlanRun): boolean =>
      planId === id && state === (query.state ?? state);
    const page = await stores.planRuns.listPage({ ...pageRequest(query), where });
    return { jsonBody: pageBody(request, page.next, page.values.map(viewRun)) };
  },
});

const getRoute = apiRoute({
  name: 'getPlanRun',
  method: 'GET',
  path: ONE,
  summary: 'One run with its report: machines, groups, actions',
  role: 'reader',
  params: oneParams,
  responses: { 200: { description: 'The run.', schema: planRunReportSchema } },
  hasETag: true,
  handle: async ({ params }, deps) => {
    const { value, etag } = await requireRun(deps, params);
    const view = await viewRunWithReport(deps, value);
    return { jsonBody: view, headers: { etag: etagOf(etag, view) } };
  },
});

const cancelRoute = apiRoute({
  name: 'cancelPlanRun',
  method: 'POST',
  path: `${ONE}/cancel`,
  summary: 'Takes back to Azure what is not committed',
  role: 'operator',
  params: oneParams,
  responses: ASKED,
  hasETag: true,
  handle: async (asked, deps) => wish(deps, asked, { action: 'cancel' }),
});

const commitRoute = apiRoute({
  name: 'commitPlanRun',
  method: 'POST',
  path: `${ONE}/commit`,
  summary: 'Commits all machines that are home; there is no way back',
  role: 'committer',
  params: oneParams,
  responses: ASKED,
  hasETag: true,
  handle: async (asked, deps) => wish(deps, asked, { action: 'commit' }),
});

const resumeRoute = apiRoute({
  name: 'resumePlanRun',
  method: 'POST',
  path: `${ONE}/resume`,
  summary: 'Goes on where the run waits: a pause, a failure, the start of the failover',
  role: 'operator',
  params: oneParams,
  body: resumeRunSchema,
  isBodyOptional: true,
  example: { skip: true },
  responses: ASKED,
  hasETag: true,
  handle: async (asked, deps) => wish(deps, asked, { action: 'resume', ...asked.body }),
});

const completeRoute = apiRoute({
  name: 'completeManualStep',
  method: 'POST',
  path: `${ONE}/manual-steps/{actionId}/complete`,
  summary: 'Reports that a manual step was done, or could not be done',
  role: 'operator',
  params: oneParams.extend({ actionId: z.string() }),
  body: completeStepSchema,
  isBodyOptional: true,
  example: { outcome: 'done', note: 'Load balancer switched' },
  responses: ASKED,
  hasETag: true,
  handle: async (asked, deps) => {
    const { actionId } = asked.params;
    return wish(deps, asked, { action: 'complete', actionId, ...asked.body });
  },
});

type OneRun = z.output<typeof oneParams>;
type Asking = Readonly<{ request: HttpRequest; params: OneRun; caller: Caller }>;
type Wanted = Without<PlanWish, 'caller' | 'check'>;
/** Of each member of the union by itself. */
type Without<W, K extends PropertyKey> = W extends unknown ? Omit<W, K> : never;

async function wish(
  deps: FunctionDeps,
  { request, params, caller }: Asking,
  wanted: Wanted,
): Promise<Answer> {
  const { value } = await requireRun(deps, params);
  const check = (current: Versioned<PlanRun>): void => assertIfMatch(request, current);
  await decide(deps, value.id, { ...wanted, caller: caller.name, check });
  return accepted(await requireRun(deps, params));
}

/** A run of another plan is not there. */
async function requireRun(
  { stores }: FunctionDeps,
  { id, runId }: OneRun,
): Promise<Versioned<PlanRun>> {
  const run = await stores.planRuns.get(runId);
  if (run?.value.planId === id) return run;
  throw new FailbackError('FB-REQ-002', { kind: 'run of a recovery plan', id: runId });
}

function accepted({ value: run, etag }: Versioned<PlanRun>): Answer {
  const location = `/api/recovery-plans/${run.planId}/runs/${run.id}`;
  const view = viewRun(run);
  const headers = { location, 'retry-after': '5', etag: etagOf(etag, view) };
  return { status: 202, headers, jsonBody: view };
}

export const PLAN_RUN_ROUTES: readonly Route[] = [
  startRoute,
  listRoute,
  getRoute,
  cancelRoute,
  commitRoute,
  resumeRoute,
  completeRoute,
];
