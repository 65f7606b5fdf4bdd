import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { refusalOfFailover } from '../shared/domain/failover-choice.ts';
import { someOf } from '../shared/domain/plan-report.ts';
import type { PlanRun } from '../shared/domain/plan-run.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { type ErrorRecord, errorRecord } from '../shared/errors/failback-error.ts';
import { PLAN_CONCURRENCY } from '../shared/policy/limits.ts';
import { inChunks } from '../shared/services/in-chunks.ts';
import { holdCommonPoints } from './support/common-points.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireRun } from './support/plan-runs.ts';

/**
 * Refuses to fail over a plan of which a machine has no fitting recovery point, by the names of the machines.
 * The common points are fixed and held here: the groups of a plan go home one after the other, newer common points
 * come meanwhile, and retention drops old ones. Idempotent as long as the points are the same.
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
    // The gate that this leads to sees the cancel.
    const isOver = run.cancelAskedAt !== null;
    const refusal = isOver ? errorRecord('FB-RCV-007') : refusalOfAny(run, items, clock.now());
    if (refusal !== null) return { refusal, isHeld: false, round };
    return { ...(await holdCommonPoints(stores, run, items)), round };
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
