import { z } from 'zod';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
import {
  completeStepSchema,
  planRunReportSchema,
  planRunViewSchema,
  resumeRunSchema,
  runPlanSchema,
} from '../../shared/contracts/http/recovery-plans.ts';
import type { PlanRun } from '../../shared/domain/plan-run.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { decide, type PlanWish } from '../plans/decide.ts';
import { startRun } from '../plans/start-run.ts';
import { viewRun, viewRunWithReport } from '../plans/view-run.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { pageBody, pageRequest } from '../support/paging.ts';
import { type Answer, apiRoute, type Route } from '../support/route.ts';

const ONE = 'recovery-plans/{id}/runs/{runId}';
const oneParams = z.object({ id: z.string(), runId: z.string() });
const ASKED = { 202: { description: 'Asked for.', schema: planRunViewSchema } };

const startRoute = apiRoute({
  name: 'runRecoveryPlan',
  method: 'POST',
  path: 'recovery-plans/{id}/run',
  summary: 'Runs a recovery plan; 409 while another run has it',
  role: 'operator',
  params: z.object({ id: z.string() }),
  body: runPlanSchema,
  example: { kind: 'failback', recoveryPoint: 'latest', options: { cycleIntervalSeconds: 600 } },
  responses: { 202: { description: 'Started.', schema: planRunViewSchema } },
  handle: async ({ params: { id }, body, caller: { name: caller } }, deps) =>
    accepted(await startRun(deps, id, { ...body, caller })),
});

const listRoute = apiRoute({
  name: 'listPlanRuns',
  method: 'GET',
  path: 'recovery-plans/{id}/runs',
  summary: 'Runs of a recovery plan, without their machines',
  role: 'reader',
  params: z.object({ id: z.string() }),
  query: z.strictObject(pageQuery),
  responses: { 200: { description: 'Newest first.', schema: pageSchema(planRunViewSchema) } },
  handle: async ({ request, params: { id }, query }, { stores }) => {
    const where = ({ planId }: PlanRun): boolean => planId === id;
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
  handle: async ({ params }, deps) => ({
    jsonBody: await viewRunWithReport(deps, await requireRun(deps, params)),
  }),
});

const cancelRoute = apiRoute({
  name: 'cancelPlanRun',
  method: 'POST',
  path: `${ONE}/cancel`,
  summary: 'Takes back to Azure what is not committed',
  role: 'operator',
  params: oneParams,
  responses: ASKED,
  handle: async ({ params, caller: { name: caller } }, deps) =>
    wish(deps, params, { action: 'cancel', caller }),
});

const commitRoute = apiRoute({
  name: 'commitPlanRun',
  method: 'POST',
  path: `${ONE}/commit`,
  summary: 'Commits all machines that are home; there is no way back',
  role: 'committer',
  params: oneParams,
  responses: ASKED,
  handle: async ({ params, caller: { name: caller } }, deps) =>
    wish(deps, params, { action: 'commit', caller }),
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
  handle: async ({ params, body, caller: { name: caller } }, deps) =>
    wish(deps, params, { action: 'resume', ...body, caller }),
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
  handle: async ({ params, body, caller: { name: caller } }, deps) => {
    const { actionId } = params;
    return wish(deps, params, { action: 'complete', actionId, ...body, caller });
  },
});

type OneRun = z.output<typeof oneParams>;

async function wish(deps: FunctionDeps, params: OneRun, wanted: PlanWish): Promise<Answer> {
  const { id } = await requireRun(deps, params);
  return accepted(await decide(deps, id, wanted));
}

/** A run of another plan is not there. */
async function requireRun({ stores }: FunctionDeps, { id, runId }: OneRun): Promise<PlanRun> {
  const run = (await stores.planRuns.get(runId))?.value;
  if (run !== undefined && run.planId === id) return run;
  throw new FailbackError('FB-REQ-002', { kind: 'run of a recovery plan', id: runId });
}

function accepted(run: PlanRun): Answer {
  const location = `/api/recovery-plans/${run.planId}/runs/${run.id}`;
  return { status: 202, headers: { location, 'retry-after': '5' }, jsonBody: viewRun(run) };
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
