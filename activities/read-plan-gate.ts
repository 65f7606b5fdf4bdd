import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { PlanRun } from '../shared/domain/plan-run.ts';
import { recordDecision } from '../shared/services/record-run-event.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/**
 * What was decided at the gate; noted in the events. A pause that is over counts as decided from then on.
 * Idempotent: the event has the time of the decision.
 */
export const createReadPlanGate = ({ stores, clock }: StoreDeps): ActivityHandler<'readPlanGate'> =>
  async function readPlanGate({ runId, key }) {
    const now = clock.now();
    const run = await updateRun(stores, runId, (current) => elapsed(current, key, now));
    const decided = run.decisions[key];
    const { gate } = run;
    const untilAt = gate?.key === key ? (gate.untilAt ?? null) : null;
    if (decided !== undefined) {
      await recordDecision(stores, run, key);
      return { decision: decided.decision, note: decided.note, untilAt };
    }
    const decision = run.cancelAskedAt === null ? null : 'cancel';
    return { decision, note: '', untilAt };
  };

function elapsed(run: PlanRun, key: string, now: Date): PlanRun {
  const { gate } = run;
  const isOver =
    gate?.key === key && gate.untilAt !== undefined && Date.parse(gate.untilAt) <= now.getTime();
  if (!isOver || run.cancelAskedAt !== null) return run;
  const at = now.toISOString();
  const decided = { decision: 'elapsed', note: '', at, caller: 'system' } as const;
  return { ...run, gate: null, state: 'running', decisions: { ...run.decisions, [key]: decided } };
}
