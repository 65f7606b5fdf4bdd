import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { PlanRun } from '../shared/domain/plan-run.ts';
import { isRunOver } from '../shared/domain/plan-run.ts';
import { type ErrorRecord, errorRecord } from '../shared/errors/failback-error.ts';
import { recordRunEnd } from '../shared/services/record-run-event.ts';
import { updateRecord } from '../shared/services/update-record.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

const MAX_NAMED = 10;

/** Ends the run and frees the plan for the next one. Machines left behind make it fail, by name. Idempotent. */
export const createFinishPlanRun = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'finishPlanRun'> =>
  async function finishPlanRun({ runId, error }) {
    const endedAt = clock.now().toISOString();
    const ended = await updateRun(stores, runId, (run) => {
      if (isRunOver(run)) return run;
      // Where the plan rolled back because of a machine, its record names it.
      const reason = error === null || error.code === 'FB-RCV-006' ? failureOfMachines(run) : error;
      return { ...run, state: endState(reason), error: reason, endedAt, gate: null };
    });
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

function failureOfMachines({ machines }: PlanRun): ErrorRecord | null {
  const missing = Object.values(machines).filter(({ state }) => state !== 'done');
  if (missing.length === 0) return null;
  // Of a plan that was rolled back none is there; those that failed are why.
  const culprits = missing.filter(({ state, error }) => state === 'failed' || error !== undefined);
  const failed = culprits.length > 0 ? culprits : missing;
  const named = failed
    .slice(0, MAX_NAMED)
    .map(({ itemName, state, error }) => `${itemName} (${error?.code ?? state})`);
  const rest = failed.length > MAX_NAMED ? ` and ${failed.length - MAX_NAMED} more` : '';
  const values = { count: failed.length, machines: `${named.join(', ')}${rest}` };
  return errorRecord('FB-RCV-006', values);
}
