import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { PlanGate } from '../shared/domain/plan-run.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/** Makes the run wait. A gate that was decided before, or stands open already, is left as it is. Idempotent. */
export const createOpenPlanGate = ({ stores, clock }: StoreDeps): ActivityHandler<'openPlanGate'> =>
  async function openPlanGate({ runId, pauseSeconds, ...what }) {
    const now = clock.now();
    const untilMs = now.getTime() + (pauseSeconds ?? 0) * 1000;
    const gate: PlanGate = {
      ...what,
      since: now.toISOString(),
      ...(pauseSeconds === undefined ? {} : { untilAt: new Date(untilMs).toISOString() }),
    };
    await updateRun(stores, runId, (run) => {
      if (run.decisions[gate.key] !== undefined || run.cancelAskedAt !== null) return run;
      // A run that is taken up waits on where it waited, with another orchestration to be woken.
      const same = run.gate?.key === gate.key ? run.gate : null;
      if (same?.instanceId === gate.instanceId) return run;
      const opened = same === null ? gate : { ...same, instanceId: gate.instanceId };
      const state = pauseSeconds === undefined ? 'waitingForOperator' : 'running';
      return { ...run, gate: opened, state };
    });
    return null;
  };
