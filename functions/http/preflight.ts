import { z } from 'zod';
import {
  preflightRequestSchema,
  type PreflightView,
  preflightViewSchema,
} from '../../shared/contracts/http/preflight.ts';
import type { OrchestrationInput } from '../../shared/contracts/orchestrations.ts';
import type { PreflightReport } from '../../shared/domain/preflight/report.ts';
import { refusalOf } from '../../shared/domain/protected-item-operations.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { PREFLIGHT_WAIT_MS } from '../../shared/policy/limits.ts';
import type { PreflightRecord } from '../../shared/ports/stores.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { apiRoute, type Route } from '../support/route.ts';

const LOOK_MS = 500;

/** Asks agents, and so waits for them: quick sites are answered at once, slow ones are polled. */
const createRoute = apiRoute({
  name: 'createPreflight',
  method: 'POST',
  path: 'preflight',
  summary: 'Runs every preflight rule and changes nothing; 202 when it takes more than 20 s',
  role: 'operator',
  body: preflightRequestSchema,
  responses: {
    200: { description: 'What the rules found.', schema: preflightViewSchema },
    202: { description: 'Still gathering facts: poll the location.', schema: preflightViewSchema },
  },
  handle: async ({ body }, deps) => {
    const { protectedItemId: itemId, operation, placement, originalVm } = body;
    await assertInAzure(deps, itemId);
    const id = deps.newJobId('pf');
    const run: PreflightRecord = {
      id,
      itemId,
      operation,
      placement,
      createdAt: deps.clock.now().toISOString(),
      endedAt: null,
      report: null,
      error: null,
    };
    await deps.stores.preflights.create(run);
    const input: OrchestrationInput<'preflight'> = {
      preflightId: id,
      itemId,
      operation,
      placement,
      ...(originalVm === undefined ? {} : { originalVm }),
    };
    await deps.orchestrator.start('preflight', id, input);
    const seen = await waitForEnd(deps, run);
    const headers = { location: `/api/preflight/${id}` };
    if (seen.endedAt !== null) return { headers, jsonBody: view(seen) };
    return { status: 202, headers: { ...headers, 'retry-after': '5' }, jsonBody: view(seen) };
  },
});

const getRoute = apiRoute({
  name: 'getPreflight',
  method: 'GET',
  path: 'preflight/{id}',
  summary: 'A preflight run: findings with what is needed and what is',
  role: 'reader',
  params: z.object({ id: z.string() }),
  responses: { 200: { description: 'The run.', schema: preflightViewSchema } },
  handle: async ({ params: { id } }, { stores }) => {
    const found = await stores.preflights.get(id);
    if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'preflight', id });
    return { jsonBody: view(found.value) };
  },
});

/** Behind the point of no return there is no VM in Azure that the rules could be about. */
async function assertInAzure({ stores }: FunctionDeps, id: string): Promise<void> {
  const item = (await stores.items.get(id))?.value;
  if (item === undefined) throw new FailbackError('FB-REQ-002', { kind: 'protected item', id });
  const refusal = refusalOf('runPreflight', item, null);
  if (refusal !== null) throw new FailbackError(refusal.code, refusal.values);
}

/** The run as it stands once it has ended, or once the wait is over. */
async function waitForEnd(deps: FunctionDeps, run: PreflightRecord): Promise<PreflightRecord> {
  const untilMs = deps.clock.now().getTime() + PREFLIGHT_WAIT_MS;
  for (;;) {
    const seen = (await deps.stores.preflights.get(run.id))?.value ?? run;
    if (seen.endedAt !== null || deps.clock.now().getTime() >= untilMs) return seen;
    await deps.pause(LOOK_MS);
  }
}

const NO_REPORT = {
  isBlocked: null,
  findings: [],
  unknownFacts: [],
  notGatheredFacts: [],
  unanswered: [],
};

function told(report: PreflightReport): Pick<PreflightView, keyof typeof NO_REPORT> {
  return {
    isBlocked: report.isBlocked,
    findings: report.findings.map((finding) => ({ ...finding, facts: [...finding.facts] })),
    unknownFacts: [...report.unknownFacts],
    notGatheredFacts: [...report.notGatheredFacts],
    unanswered: [...report.unanswered],
  };
}

function view(run: PreflightRecord): PreflightView {
  const { id, itemId, operation, createdAt, endedAt, report, error } = run;
  const state = endedAt === null ? 'running' : error === null ? 'succeeded' : 'failed';
  return {
    id,
    protectedItemId: itemId,
    operation,
    state,
    createdAt,
    endedAt,
    ...(report === null ? NO_REPORT : told(report)),
    error,
  };
}

export const PREFLIGHT_ROUTES: readonly Route[] = [createRoute, getRoute];
