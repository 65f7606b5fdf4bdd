import type { JobState } from '../../shared/domain/job.ts';
import type { Result } from '../../shared/errors/result.ts';
import { callActivity, type Context, type Steps } from './steps.ts';

/** Ends the job: succeeded, cancelled by an operator, or failed with the reason. */
export function* finish(
  context: Context,
  job: { readonly jobId: string; readonly itemId: string },
  result: Result<unknown>,
): Steps<void> {
  const { jobId, itemId } = job;
  const error = result.ok ? null : result.error;
  yield* callActivity(context, 'finishJob', { jobId, itemId, state: endState(error?.code), error });
}

function endState(code: string | undefined): JobState {
  if (code === undefined) return 'succeeded';
  return code === 'FB-ORC-005' ? 'cancelled' : 'failed';
}
