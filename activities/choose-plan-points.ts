import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { refusalOfFailover } from '../shared/domain/failover-choice.ts';
import { someOf } from '../shared/domain/plan-report.ts';
import { isFailure, type PlanRun } from '../shared/domain/plan-run.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { commonPoint } from '../shared/domain/recovery-plan.ts';
import { type ErrorRecord, errorRecord } from '../shared/errors/failback-error.ts';
import { PLAN_CONCURRENCY } from '../shared/policy/limits.ts';
import { inChunks } from '../shared/services/in-chunks.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireRun, updateRun } from './support/plan-runs.ts';

/**
 * Refuses to fail over a plan of which a machine has no fitting recovery point, by the names of the machines.
 * The common points are fixed here: the groups of a plan go home one after the other, and newer common points
 * come meanwhile. Idempotent as long as the points are the same.
 */
export const createChoosePlanPoints = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'choosePlanPoints'> =>
  async function choosePlanPoints({ runId }) {
    const run = await requireRun(stores, runId);
    const holding = Object.values(run.machines).filter(({ state }) => state === 'ready');
    const found = await inChunks(holding, PLAN_CONCURRENCY, async ({ itemId }) =>
      stores.items.get(itemId),
    );
    const items = found.flatMap((item) => (item === null ? [] : [item.value]));
    const round = Object.keys(run.decisions).filter((key) => key.startsWith('points-')).length;
    const refusal =
      refusalOfAny(run, items, clock.now()) ?? (await fixCommonPoints(stores, run, items));
    return { refusal, round };
  };

/** All that have no point at all are named at once; of other refusals the first. */
function refusalOfAny(
  run: PlanRun,
  items: readonly ProtectedItem[],
  now: Date,
): ErrorRecord | null {
  const { recoveryPoint, maxDataLossMinutes } = run;
  const choice = { phase: 'replicating', recoveryPoint, maxDataLossMinutes, now } as const;
  const refusals = items.flatMap((item) => {
    const refusal = refusalOfFailover(item, choice);
    return refusal === null ? [] : [{ name: item.name, refusal }];
  });
  const none = refusals.filter(({ refusal }) => refusal.code === 'FB-RCV-001');
  if (none.length > 0) {
    return errorRecord('FB-RCV-001', { machines: someOf(none.map(({ name }) => name)) });
  }
  return refusals[0]?.refusal.toRecord() ?? null;
}

async function fixCommonPoints(
  stores: StoreDeps['stores'],
  run: PlanRun,
  items: readonly ProtectedItem[],
): Promise<ErrorRecord | null> {
  if (run.recoveryPoint !== 'latestApplicationConsistent') return null;
  const groupPoints: Record<string, string> = { ...run.groupPoints };
  for (const { id, itemIds } of run.definition.replicationGroups) {
    const going = itemIds.filter((itemId) => {
      const machine = run.machines[itemId];
      return machine !== undefined && !isFailure(machine) && machine.isLeftBehind !== true;
    });
    const members = items.filter((item) => going.includes(item.id));
    if (groupPoints[id] !== undefined || members.length === 0) continue;
    const common = commonPoint(members);
    if (common === null) {
      const machines = members.map(({ name }) => name).join(', ');
      return errorRecord('FB-RCV-012', { groupId: id, machines });
    }
    groupPoints[id] = common;
  }
  await updateRun(stores, run.id, (current) => ({ ...current, groupPoints }));
  return null;
}
