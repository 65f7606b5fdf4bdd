import type { Job } from '../../shared/domain/job.ts';
import { isTerminal } from '../../shared/domain/job.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import type { Caller } from '../security/caller.ts';
import { optionsFor } from '../security/elevation.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { ask } from './ask.ts';
import { refuseAction } from './job-actions.ts';
import { startJob } from './start-job.ts';

interface TakeUp {
  readonly action: 'resume' | 'restart';
  readonly caller: Pick<Caller, 'name' | 'role'>;
  /** Throws when the job is not the one that the operator saw. */
  readonly check: (current: Versioned<Job>) => void;
}

/**
 * `resume`: a failback that waits after a boot that failed boots again; one that has ended, or whose orchestration
 * was stopped from outside, is taken up by a new job with the same options. `restart`: the new job first undoes
 * everything, also a machine that waits for its commit.
 */
export async function takeUp(
  deps: FunctionDeps,
  jobId: string,
  { action, caller, check }: TakeUp,
): Promise<Job> {
  const found = await deps.stores.jobs.get(jobId);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id: jobId });
  const job = found.value;
  const isOver = isTerminal(job.state) || !(await deps.orchestrator.isRunning(job.instanceId));
  if (!isOver && action === 'resume') {
    return ask(deps, jobId, { intent: action, caller: caller.name, check });
  }
  check(found);
  const item = (await deps.stores.items.get(job.itemId))?.value ?? null;
  // A job that was stopped from outside ends by being taken up.
  const ended = isOver && !isTerminal(job.state) ? ({ ...job, state: 'failed' } as const) : job;
  const refusal = refuseAction(action, ended, item);
  if (refusal !== null) throw new FailbackError(refusal.code, refusal.values);
  return startJob(deps, 'failback', {
    protectedItemId: job.itemId,
    options: optionsFor(caller.role, job.options),
    caller: caller.name,
    takesUp: { jobId, action },
  });
}
