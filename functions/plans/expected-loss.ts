import type { PlanRunReport } from '../../shared/contracts/http/recovery-plans.ts';
import { dataLossMinutes } from '../../shared/domain/failover-choice.ts';
import type { PlanRun } from '../../shared/domain/plan-run.ts';
import {
  type ProtectedItem,
  type RecoveryPoint,
  resolveRecoveryPoint,
} from '../../shared/domain/protected-item.ts';
import { commonPoint, pointOfGroup } from '../../shared/domain/recovery-plan.ts';
import { PLAN_CONCURRENCY } from '../../shared/policy/limits.ts';
import { inChunks } from '../../shared/services/in-chunks.ts';
import type { FunctionDeps } from '../support/deps.ts';

/** At the gates before the first machine goes down: what each would lose if somebody resumed now. */
export async function expectedDataLoss(
  { stores, clock }: FunctionDeps,
  run: PlanRun,
): Promise<PlanRunReport['expectedDataLoss']> {
  const isBefore = run.gate?.kind === 'failover' || run.gate?.kind === 'points';
  if (!isBefore || run.state === 'interrupted') return null;
  const ready = Object.values(run.machines).filter(({ state }) => state === 'ready');
  const found = await inChunks(ready, PLAN_CONCURRENCY, async ({ itemId }) =>
    stores.items.get(itemId),
  );
  const items = found.flatMap((item) => (item === null ? [] : [item.value]));
  const machines = items.map((item) => {
    const point = pointOf(run, item, items);
    const minutes = dataLossMinutes(run.recoveryPoint, point, clock.now());
    return { itemId: item.id, itemName: item.name, minutes };
  });
  const known = machines.flatMap(({ minutes }) => minutes ?? []);
  return { largestMinutes: known.length === 0 ? null : Math.max(...known), machines };
}

/** The common one of its replication group, where the plan would take it there. */
function pointOf(
  { recoveryPoint, definition, groupPoints }: PlanRun,
  item: ProtectedItem,
  items: readonly ProtectedItem[],
): RecoveryPoint | null {
  const group = definition.replicationGroups.find(({ itemIds }) => itemIds.includes(item.id));
  if (recoveryPoint !== 'latestApplicationConsistent' || group === undefined) {
    return resolveRecoveryPoint(item, recoveryPoint);
  }
  const members = items.filter(({ id }) => group.itemIds.includes(id));
  const common = groupPoints[group.id] ?? commonPoint(members);
  return common === null ? null : pointOfGroup(item, common);
}
