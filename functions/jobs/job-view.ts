import { JOB_ACTIONS, type JobView } from '../../shared/contracts/http-api.ts';
import { heldBackBy, isTerminal, type Job } from '../../shared/domain/job.ts';
import { troubleInAzure } from '../../shared/domain/source-state.ts';
import { stageOf } from '../../shared/domain/phases.ts';
import { rpoSeconds } from '../../shared/domain/protected-item.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { heldUpBy, summarize } from '../views/progress.ts';
import { refuseAction } from './job-actions.ts';

/** A job as people see it, with the progress of what runs for it right now. */
export async function viewJob(deps: FunctionDeps, job: Job): Promise<JobView> {
  const isOver = isTerminal(job.state);
  const [found, open] = await Promise.all([
    deps.stores.items.get(job.itemId),
    isOver ? [] : deps.stores.commands.listOpen(job.id),
  ]);
  const item = found?.value ?? null;
  const progress = summarize(open);
  const standing = [...troubleInAzure(job), heldBackBy(job)];
  return {
    id: job.id,
    operation: job.operation,
    protectedItemId: job.itemId,
    protectedItemName: job.itemName,
    state: job.state,
    phase: job.phase,
    stage: stageOf(job.phase),
    allowedActions: JOB_ACTIONS.filter((action) => refuseAction(action, job, item) === null),
    follows: job.follows ?? null,
    createdAt: job.createdAt,
    endedAt: job.endedAt,
    rpoSeconds: item === null ? null : rpoSeconds(item, deps.clock.now()),
    progress,
    tasks: viewTasks(job, progress),
    health: [
      ...heldUpBy(open),
      ...standing.flatMap((error) => (error ? [structuredClone(error)] : [])),
    ],
    cycles: job.cycles.map((cycle) => ({ ...cycle })),
    history: job.history.map((event) => ({ ...event, stage: stageOf(event.phase) })),
    report: { ...job.report },
    error: job.error === null ? null : structuredClone(job.error),
  };
}

function viewTasks({ tasks = [] }: Job, progress: JobView['progress']): JobView['tasks'] {
  return tasks.map(({ error, ...task }) => ({
    ...task,
    ...(task.endedAt !== null || progress === null ? {} : { progress }),
    ...(error === undefined ? {} : { error: structuredClone(error) }),
  }));
}
