import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { JobControl } from '../../shared/ports/plans.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { ask } from './ask.ts';
import { startJob } from './start-job.ts';

/** Jobs as a recovery plan handles them: through the same code as a person's requests, with the same refusals. */
export function createJobControl(deps: FunctionDeps): JobControl {
  return {
    start: async ({ jobId, operation, itemId: protectedItemId, options, caller }) => {
      try {
        await startJob(deps, operation, { protectedItemId, options, jobId, caller });
      } catch (error) {
        if (!isOwnJob(error, jobId)) throw error;
      }
    },
    ask: async (jobId, wish) => {
      await ask(deps, jobId, wish);
    },
    newJobId: (prefix) => deps.newJobId(prefix),
  };
}

/** The item is held by the very job that was to be started: an earlier attempt did it. */
function isOwnJob(error: unknown, jobId: string): boolean {
  const isHeld = error instanceof FailbackError && error.code === 'FB-REQ-003';
  return isHeld && error.values['jobId'] === jobId;
}
