import { z } from 'zod';
import {
  type RecoveryPointView,
  recoveryPointViewSchema,
} from '../../shared/contracts/http-api.ts';
import { pageQuery, pageSchema } from '../../shared/contracts/http/paging.ts';
import { keysOfPoint, orderOfPoint } from '../../shared/domain/newest-first.ts';
import {
  directionOf,
  type ProtectedItem,
  type RecoveryPoint,
} from '../../shared/domain/protected-item.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Page, PageRequest, RecoveryPointRecord } from '../../shared/ports/stores.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { pageBody, pageOfArray, pageRequest } from '../support/paging.ts';
import { apiRoute, type Route } from '../support/route.ts';

type Place = RecoveryPointView['place'];
type Request = Pick<PageRequest<never>, 'limit' | 'after'>;

const listRecoveryPointsRoute = apiRoute({
  name: 'listRecoveryPoints',
  method: 'GET',
  path: 'protected-items/{id}/recovery-points',
  summary:
    'The points that can be failed over to; of a machine that is home those that were made in Azure',
  role: 'reader',
  params: z.object({ id: z.string() }),
  query: z.strictObject(pageQuery),
  responses: {
    200: { description: 'Newest first.', schema: pageSchema(recoveryPointViewSchema) },
  },
  handle: async ({ request, params: { id }, query }, deps) => {
    const item = (await deps.stores.items.get(id))?.value;
    if (item === undefined) throw new FailbackError('FB-REQ-002', { kind: 'protected item', id });
    const isHome = directionOf(item.phase) === 'onPremisesToAzure';
    const wanted = pageRequest(query);
    const page = isHome ? await madeInAzure(deps, item, wanted) : retainedAtHome(item, wanted);
    const now = deps.clock.now();
    const place = isHome ? 'azure' : 'onPremises';
    const views = page.values.map((point) => viewOf(point, { item, place, now }));
    return { jsonBody: pageBody(request, page.next, views) };
  },
});

function retainedAtHome(
  { recoveryPoints = [] }: ProtectedItem,
  wanted: Request,
): Page<RecoveryPoint> {
  return pageOfArray(recoveryPoints, orderOfPoint, wanted);
}

/**
 * What was recorded since the replicas were begun: with an earlier replica its snapshots went, too. A token is the time
 * of the last point alone, because an id of a point may be longer than a token.
 */
async function madeInAzure(
  { stores }: FunctionDeps,
  { id, lastJobId }: ProtectedItem,
  { limit, after }: Request,
): Promise<Page<RecoveryPoint>> {
  const job = lastJobId === undefined ? null : await stores.jobs.get(lastJobId);
  const since = Date.parse(job?.value.report.seededAt ?? '') || 0;
  const page = await stores.recoveryPoints.listPage({
    limit,
    // Behind everything of that time; `-` comes next in an id.
    after: after === undefined ? `${id}.` : `${id}.${after}~`,
    where: ({ itemId, place, takenAt }: RecoveryPointRecord) =>
      itemId === id && place === 'azure' && Date.parse(takenAt) >= since,
  });
  const next = page.next === null ? null : keysOfPoint(page.next).rowKey.split('-', 1);
  return { values: page.values, next: next?.[0] ?? null };
}

function viewOf(
  { pointId, takenAt, consistency, reason, groupPointId }: RecoveryPoint,
  { item, place, now }: { readonly item: ProtectedItem; readonly place: Place; readonly now: Date },
): RecoveryPointView {
  return {
    pointId,
    takenAt,
    consistency,
    ...(reason === undefined ? {} : { reason }),
    ...(groupPointId === undefined ? {} : { groupPointId }),
    place,
    isHeld: pointId === item.pinnedPointId,
    expectedDataLossSeconds: Math.max(0, (now.getTime() - Date.parse(takenAt)) / 1000),
  };
}

export const RECOVERY_POINT_ROUTES: readonly Route[] = [listRecoveryPointsRoute];
