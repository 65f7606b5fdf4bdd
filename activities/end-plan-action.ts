import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { actionsOf } from '../shared/domain/recovery-plan.ts';
import { redact } from '../shared/domain/secret.ts';
import { shortened } from '../shared/domain/stored-size.ts';
import { MAX_ACTION_OUTPUT, MAX_KEPT_OUTPUT } from '../shared/policy/limits.ts';
import { recordRunEvent } from '../shared/services/record-run-event.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/**
 * Notes how the action ended, and a failure in the events. A person may still skip one that failed. Idempotent: the
 * event has the time and the count of the attempt.
 */
export const createEndPlanAction = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'endPlanAction'> =>
  async function endPlanAction({ runId, actionId, state, detail: text, code = null }) {
    const endedAt = clock.now().toISOString();
    const whole = redact(text).slice(0, MAX_ACTION_OUTPUT);
    const detail = shortened(whole, MAX_KEPT_OUTPUT);
    const after = await updateRun(stores, runId, (run) => {
      const record = run.actions[actionId];
      if (record === undefined || record.state === state) return run;
      const ended = { ...record, state, endedAt, detail };
      return { ...run, actions: { ...run.actions, [actionId]: ended } };
    });
    const ended = after.actions[actionId];
    if (ended?.state !== 'failed' || ended.endedAt === null) return null;
    const name = actionsOf(after.definition).find(({ id }) => id === actionId)?.name ?? actionId;
    await recordRunEvent(stores, `${runId}-${actionId}-${ended.attempts}-failed`, after, {
      kind: 'actionFailed',
      at: ended.endedAt,
      caller: 'system',
      what: (run) => `The action ${name} (${actionId}) of the ${run} failed: ${whole}`,
      code,
    });
    return null;
  };
