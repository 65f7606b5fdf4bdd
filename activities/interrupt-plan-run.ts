import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { planRunInstanceId } from '../shared/contracts/orchestrations.ts';
import { isRunOver } from '../shared/domain/plan-run.ts';
import { recordRunEvent } from '../shared/services/record-run-event.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/**
 * Shows that the run stands still, and why. It keeps the plan and its gate: its machines wait for it, and a person
 * takes it up. Nothing is noted where somebody has taken it up meanwhile. Idempotent.
 */
export const createInterruptPlanRun = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'interruptPlanRun'> =>
  async function interruptPlanRun({ runId, instanceId, error }) {
    const interruptedAt = clock.now().toISOString();
    const run = await updateRun(stores, runId, (current) => {
      const isOurs = planRunInstanceId(runId, current.attempt) === instanceId;
      const isNoted = current.state === 'interrupted';
      if (!isOurs || isNoted || isRunOver(current)) return current;
      return { ...current, state: 'interrupted', interruptedAt, error };
    });
    if (run.interruptedAt === undefined) return null;
    await recordRunEvent(stores, `${instanceId}-interrupted`, run, {
      kind: 'runInterrupted',
      at: run.interruptedAt,
      caller: 'system',
      what: (name) => `The ${name} was interrupted: ${error.message}`,
      code: error.code,
    });
    return null;
  };
