import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { someOf } from '../shared/domain/plan-report.ts';
import { isRunOver, type PlanMachine, type PlanRun } from '../shared/domain/plan-run.ts';
import { type ErrorRecord, errorRecord } from '../shared/errors/failback-error.ts';
import { recordRunEnd } from '../shared/services/record-run-event.ts';
import { updateRecord } from '../shared/services/update-record.ts';
import { PLAN_CONCURRENCY } from '../shared/policy/limits.ts';
import { inChunks } from '../shared/services/in-chunks.ts';
import { releaseCommonPoints } from './support/common-points.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireRun, updateRun } from './support/plan-runs.ts';

/**
 * Ends the run, lets go of what it held, and frees the plan for the next one. Machines left behind make it fail, by
 * name; so do those that a cancel could not take back. Idempotent.
 */
export const createFinishPlanRun = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'finishPlanRun'> =>
  async function finishPlanRun({ runId, error }) {
    const endedAt = clock.now().toISOString();
    const stranded =
      error?.code === 'FB-RCV-007' ? await strandedOf(stores, await requireRun(stores, runId)) : [];
    const ended = await updateRun(stores, runId, (run) => {
      if (isRunOver(run)) return run;
      const reason = reasonOf(run, error, stranded);
      return { ...run, state: endState(reason), error: reason, endedAt, gate: null };
    });
    await releaseCommonPoints(stores, ended);
    await updateRecord(stores.plans, ended.planId, (plan) =>
      plan.activeRunId === runId ? { ...plan, activeRunId: null } : plan,
    );
    await recordRunEnd(stores, ended);
    return null;
  };

function endState(error: ErrorRecord | null): 'succeeded' | 'cancelled' | 'failed' {
  if (error === null) return 'succeeded';
  return error.code === 'FB-RCV-007' ? 'cancelled' : 'failed';
}

function reasonOf(
  run: PlanRun,
  error: ErrorRecord | null,
  stranded: readonly PlanMachine[],
): ErrorRecord | null {
  // Where the plan rolled back because of a machine, its record names it.
  if (error === null || error.code === 'FB-RCV-006') return failureOfMachines(run);
  return stranded.length === 0 ? error : errorRecord('FB-RCV-016', named(stranded));
}

/** Those that failed on their way and are not back in Azure by themselves. */
async function strandedOf(
  stores: StoreDeps['stores'],
  { machines }: PlanRun,
): Promise<readonly PlanMachine[]> {
  const failed = Object.values(machines).filter(({ state }) => state === 'failed');
  const stranded = await inChunks(failed, PLAN_CONCURRENCY, async (machine) => {
    const phase = (await stores.items.get(machine.itemId))?.value.phase ?? 'failedOver';
    const isUndone = phase === 'failedOver' && machine.error?.code !== 'FB-ORC-011';
    return isUndone ? [] : [machine];
  });
  return stranded.flat();
}

function failureOfMachines({ machines }: PlanRun): ErrorRecord | null {
  const missing = Object.values(machines).filter(({ state }) => state !== 'done');
  if (missing.length === 0) return null;
  // Of a plan that was rolled back none is there; those that failed are why.
  const culprits = missing.filter(({ state, error }) => state === 'failed' || error !== undefined);
  return errorRecord('FB-RCV-006', named(culprits.length > 0 ? culprits : missing));
}

function named(machines: readonly PlanMachine[]): { count: number; machines: string } {
  const names = machines.map(
    ({ itemName, state, error }) => `${itemName} (${error?.code ?? state})`,
  );
  return { count: machines.length, machines: someOf(names) };
}
