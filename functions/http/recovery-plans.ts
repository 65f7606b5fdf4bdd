import { z } from 'zod';
import { protectedItemIdSchema } from '../../shared/contracts/http-api.ts';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
import {
  planIdSchema,
  type PlanView,
  planViewSchema,
  putPlanSchema,
} from '../../shared/contracts/http/recovery-plans.ts';
import {
  actionsOf,
  machinesOf,
  type PlanAction,
  type RecoveryPlan,
} from '../../shared/domain/recovery-plan.ts';
import { redact } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import { recordEvent } from '../../shared/services/record-event.ts';
import { checkPlan } from '../plans/check-plan.ts';
import { refuseWhileRunning } from '../plans/start-run.ts';
import { withStoredUrls } from '../plans/webhook-urls.ts';
import type { Role } from '../security/roles.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { assertIfMatch, etagOf, isCreateOnly } from '../support/etag.ts';
import { pageBody, pageRequest } from '../support/paging.ts';
import { type Answer, apiRoute, type Route } from '../support/route.ts';

const idParams = z.object({ id: z.string() });

const listRoute = apiRoute({
  name: 'listRecoveryPlans',
  method: 'GET',
  path: 'recovery-plans',
  summary: 'Recovery plans',
  role: 'reader',
  query: z.strictObject({ ...pageQuery, protectedItemId: protectedItemIdSchema.optional() }),
  responses: { 200: { description: 'By id.', schema: pageSchema(planViewSchema) } },
  handle: async ({ request, query }, { stores }) => {
    const { protectedItemId: itemId } = query;
    const where = ({ definition }: RecoveryPlan): boolean =>
      itemId === undefined || machinesOf(definition).includes(itemId);
    const page = await stores.plans.listPage({ ...pageRequest(query), where });
    return { jsonBody: pageBody(request, page.next, page.values.map(viewPlan)) };
  },
});

const getRoute = apiRoute({
  name: 'getRecoveryPlan',
  method: 'GET',
  path: 'recovery-plans/{id}',
  summary: 'One recovery plan',
  role: 'reader',
  params: idParams,
  responses: { 200: { description: 'The plan.', schema: planViewSchema } },
  hasETag: true,
  handle: async ({ params: { id } }, deps) => show(await requirePlan(deps, id)),
});

/** What a webhook or a script does nobody here can undo: who says what is called is who may commit. */
const putElevation = {
  roles: ['committer'],
  roleOf: ({ body }: { body: z.output<typeof putPlanSchema> }): Role =>
    actionsOf(body).every(({ kind }) => kind === 'manual') ? 'operator' : 'committer',
} as const;

/** A run that is under way keeps the plan as it was when it began. */
const putRoute = apiRoute({
  name: 'putRecoveryPlan',
  method: 'PUT',
  path: 'recovery-plans/{id}',
  summary: 'Makes a recovery plan, or replaces it',
  role: 'operator',
  elevation: putElevation,
  params: z.object({ id: planIdSchema }),
  body: putPlanSchema,
  example: {
    name: 'Shop',
    groups: [
      { id: 'databases', name: 'Databases', itemIds: ['db-01'] },
      { id: 'web', name: 'Web servers', itemIds: ['web-01'], maxParallel: 5 },
    ],
  },
  responses: {
    200: { description: 'Replaced.', schema: planViewSchema },
    201: { description: 'Made.', schema: planViewSchema },
  },
  hasETag: true,
  handle: async ({ request, params: { id }, body, caller: { name: caller } }, deps) => {
    const existing = await deps.stores.plans.get(id);
    assertIfMatch(request, existing);
    if (existing !== null && isCreateOnly(request)) {
      throw new FailbackError('FB-REQ-025', { kind: 'recovery plan', id });
    }
    const definition = withStoredUrls(body, existing?.value.definition ?? null);
    await checkPlan(deps, definition);
    const activeRunId = existing?.value.activeRunId ?? null;
    const plan = { id, definition, updatedAt: deps.clock.now().toISOString(), activeRunId };
    if (existing === null) await deps.stores.plans.create(plan);
    else await deps.stores.plans.replace(plan, existing.etag);
    await noteSaved(deps, plan, { caller, what: existing === null ? 'made' : 'replaced' });
    return { ...show(await requirePlan(deps, id)), status: existing === null ? 201 : 200 };
  },
});

/** Its runs stay, as the history of the machines does. */
const deleteRoute = apiRoute({
  name: 'deleteRecoveryPlan',
  method: 'DELETE',
  path: 'recovery-plans/{id}',
  summary: 'Deletes a recovery plan; refused while it is being run',
  role: 'committer',
  params: idParams,
  responses: { 204: { description: 'Deleted.' } },
  hasETag: true,
  handle: async ({ request, params: { id }, caller: { name: caller } }, deps) => {
    const found = await requirePlan(deps, id);
    assertIfMatch(request, found);
    await refuseWhileRunning(deps, found.value);
    await deps.stores.plans.delete(id, found.etag);
    await noteSaved(deps, found.value, { caller, what: 'deleted' });
    return { status: 204 };
  },
});

async function noteSaved(
  deps: FunctionDeps,
  { id: planId, definition }: RecoveryPlan,
  { caller, what }: { readonly caller: string; readonly what: string },
): Promise<void> {
  await recordEvent(deps.stores, deps.newEventKey(), {
    kind: 'planSaved',
    at: deps.clock.now().toISOString(),
    caller,
    planId,
    message: `The recovery plan ${definition.name} was ${what}`,
  });
}

function show({ value, etag }: Versioned<RecoveryPlan>): Answer {
  const view = viewPlan(value);
  return { jsonBody: view, headers: { etag: etagOf(etag, view) } };
}

async function requirePlan({ stores }: FunctionDeps, id: string): Promise<Versioned<RecoveryPlan>> {
  const found = await stores.plans.get(id);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'recovery plan', id });
  return found;
}

function viewPlan({ id, definition, updatedAt, activeRunId }: RecoveryPlan): PlanView {
  const { groups, replicationGroups, ...rest } = definition;
  return {
    id,
    ...rest,
    groups: groups.map((group) => ({
      ...group,
      itemIds: [...group.itemIds],
      preActions: group.preActions.map(viewAction),
      postActions: group.postActions.map(viewAction),
    })),
    replicationGroups: replicationGroups.map((group) => ({
      ...group,
      itemIds: [...group.itemIds],
    })),
    updatedAt,
    activeRunId,
  };
}

type ActionView = NonNullable<PlanView['groups'][number]['preActions']>[number];

/** A URL may carry a key in its query: it is shown without. */
function viewAction(action: PlanAction): ActionView {
  const runsIn = [...action.runsIn];
  if (action.kind === 'webhook') return { ...action, runsIn, url: redact(action.url) };
  if (action.kind === 'manual') return { ...action, runsIn };
  return { ...action, runsIn, arguments: { ...action.arguments } };
}

export const RECOVERY_PLAN_ROUTES: readonly Route[] = [listRoute, getRoute, putRoute, deleteRoute];
