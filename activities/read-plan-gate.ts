import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { PlanRun } from '../shared/domain/plan-run.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/** What was decided at the gate. A pause that is over counts as decided from then on. Idempotent. */
export const createReadPlanGate = ({ stores, clock }: StoreDeps): ActivityHandler<'readPlanGate'> =>
  async function readPlanGate({ runId, key }) {
    const now = clock.now();
    const run = await updateRun(stores, runId, (current) => elapsed(current, key, now));
    const decided = run.decisions[key];
    const { gate } = run;
    const untilAt = gate?.key === key ? (gate.untilAt ?? null) : null;
    if (decided !== undefined) return { ...decided, untilAt };
    const decision = run.cancelAskedAt === null ? null : 'cancel';
    return { decision, note: '', untilAt };
  };

function elapsed(run: PlanRun, key: string, now: Date): PlanRun {
  const { gate } = run;
  const isOver =
    gate?.key === key && gate.untilAt !== undefined && Date.parse(gate.untilAt) <= now.getTime();
  if (!isOver || run.cancelAskedAt !== null) return run;
  const decided = { decision: 'elapsed', note: '' } as const;
  return { ...run, gate: null, state: 'running', decisions: { ...run.decisions, [key]: decided } };
}
