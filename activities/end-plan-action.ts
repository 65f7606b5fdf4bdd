import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { redact } from '../shared/domain/secret.ts';
import { MAX_ACTION_OUTPUT } from '../shared/policy/limits.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/** Notes how the action ended. A person may still skip one that failed. Idempotent. */
export const createEndPlanAction = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'endPlanAction'> =>
  async function endPlanAction({ runId, actionId, state, detail: text }) {
    const endedAt = clock.now().toISOString();
    const detail = redact(text).slice(0, MAX_ACTION_OUTPUT);
    await updateRun(stores, runId, (run) => {
      const record = run.actions[actionId];
      if (record === undefined || record.state === state) return run;
      const ended = { ...record, state, endedAt, detail };
      return { ...run, actions: { ...run.actions, [actionId]: ended } };
    });
    return null;
  };
