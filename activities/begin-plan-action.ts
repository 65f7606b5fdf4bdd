import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { invariant } from '../shared/domain/assert.ts';
import type { PlanActionRecord, PlanRun } from '../shared/domain/plan-run.ts';
import { actionsOf } from '../shared/domain/recovery-plan.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/**
 * Notes that the action begins and hands it out. One that succeeded or was skipped is not done again; one that
 * failed begins anew. Idempotent: what runs already keeps its count.
 */
export const createBeginPlanAction = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'beginPlanAction'> =>
  async function beginPlanAction({ runId, actionId }) {
    const startedAt = clock.now().toISOString();
    const run = await updateRun(stores, runId, (current) => begun(current, actionId, startedAt));
    const action = actionsOf(run.definition).find(({ id }) => id === actionId);
    const record = run.actions[actionId];
    invariant(action !== undefined && record !== undefined, `${runId} has no action ${actionId}`);
    const { onFailure } = run.definition;
    return { isDone: record.state !== 'running', action, attempt: record.attempts, onFailure };
  };

function begun(run: PlanRun, actionId: string, startedAt: string): PlanRun {
  const earlier = run.actions[actionId];
  if (earlier !== undefined && earlier.state !== 'failed') return run;
  const record: PlanActionRecord = {
    state: 'running',
    attempts: (earlier?.attempts ?? 0) + 1,
    startedAt: earlier?.startedAt ?? startedAt,
    endedAt: null,
    detail: '',
  };
  return { ...run, actions: { ...run.actions, [actionId]: record } };
}
