import type { ErrorRecord } from '../errors/failback-error.ts';
import type { Job, JobState, JobTask, TaskName } from './job.ts';

/** A retried boot begins its tasks again; a job that is tried for days keeps the newest. */
const MAX_TASKS = 60;

interface Step {
  /** What begins now; absent = nothing, only what is open ends. */
  readonly task?: TaskName | undefined;
  readonly at: string;
  readonly isWaiting: boolean;
  /** The same task begins again: the open one has ended, with `error`. */
  readonly isAnew?: boolean;
  /** Why the open task ends; absent = it is done. */
  readonly error?: ErrorRecord | undefined;
}

/** Ends the open task and begins the next. The task that runs already runs on, unless it begins anew. */
export function nextTask(tasks: readonly JobTask[], step: Step): readonly JobTask[] {
  const { task: name, at, isWaiting, isAnew = false, error } = step;
  const state = isWaiting ? 'waitingForOperator' : 'running';
  const open = tasks.at(-1);
  if (open?.endedAt === null && open.name === name && !isAnew)
    return [...tasks.slice(0, -1), { ...open, state }];
  const ended = endOpenTask(tasks, at, error ?? null);
  if (name === undefined) return ended;
  return [...ended, { name, state, startedAt: at, endedAt: null } as const].slice(-MAX_TASKS);
}

/** The job with its end, its reason and no task left open. */
export function endJob(
  job: Job,
  { state, at, error }: { state: JobState; at: string; error: ErrorRecord | null },
): Job {
  const tasks = endOpenTask(job.tasks ?? [], at, error);
  return { ...job, state, error, endedAt: at, tasks };
}

function endOpenTask(
  tasks: readonly JobTask[],
  at: string,
  error: ErrorRecord | null,
): readonly JobTask[] {
  const open = tasks.at(-1);
  if (open?.endedAt !== null) return tasks;
  const ended: JobTask = { ...open, endedAt: at, ...outcomeOf(error) };
  return [...tasks.slice(0, -1), ended];
}

function outcomeOf(error: ErrorRecord | null): Pick<JobTask, 'state' | 'error'> {
  if (error === null) return { state: 'succeeded' };
  return { state: error.code === 'FB-ORC-005' ? 'cancelled' : 'failed', error };
}
