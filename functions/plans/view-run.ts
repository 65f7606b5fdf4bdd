import type { PlanRunReport, PlanRunView } from '../../shared/contracts/http/recovery-plans.ts';
import type { Job } from '../../shared/domain/job.ts';
import { reportOf } from '../../shared/domain/plan-report.ts';
import { allowedPlanActions, type PlanRun } from '../../shared/domain/plan-run.ts';
import { PLAN_CONCURRENCY } from '../../shared/policy/limits.ts';
import { inChunks } from '../../shared/services/in-chunks.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { expectedDataLoss } from './expected-loss.ts';

/** A run in a list: without its machines. */
export function viewRun(run: PlanRun): PlanRunView {
  const { gate, error } = run;
  const counts: Record<string, number> = {};
  for (const { state } of Object.values(run.machines)) counts[state] = (counts[state] ?? 0) + 1;
  return {
    id: run.id,
    planId: run.planId,
    planName: run.definition.name,
    kind: run.kind,
    state: run.state,
    recoveryPoint: run.recoveryPoint,
    createdAt: run.createdAt,
    endedAt: run.endedAt,
    allowedActions: [...allowedPlanActions(run)],
    waitingFor:
      gate === null || run.state === 'interrupted'
        ? null
        : {
            gate: gate.key,
            kind: gate.kind,
            message: gate.message,
            since: gate.since,
            actionId: gate.actionId ?? null,
            untilAt: gate.untilAt ?? null,
          },
    counts,
    error: error === null ? null : structuredClone(error),
  };
}

/** A run with its report: what each machine lost, how long it was down, and what proves it. */
export async function viewRunWithReport(deps: FunctionDeps, run: PlanRun): Promise<PlanRunReport> {
  const { stores } = deps;
  const ids = Object.values(run.machines).flatMap(({ jobId }) => jobId ?? []);
  const found = await inChunks(ids, PLAN_CONCURRENCY, async (id) => stores.jobs.get(id));
  const jobs = new Map<string, Job>(
    found.flatMap((job) => (job === null ? [] : [[job.value.id, job.value] as const])),
  );
  const report = reportOf(run, jobs);
  return { ...viewRun(run), expectedDataLoss: await expectedDataLoss(deps, run), report };
}
