import type { OrchestrationInput } from '../shared/contracts/orchestrations.ts';
import { success, type Result } from '../shared/errors/result.ts';
import { REVERSE_CYCLE_MS } from '../shared/policy/limits.ts';
import { replicateToAzureOnce } from './support/reverse.ts';
import { asResult, callActivity, type Context, sleep, type Steps } from './support/steps.ts';

type Input = OrchestrationInput<'reverseReplication'>;

/** The eternal loop of a machine that is home. Ends when the item is no longer protected. */
export function* reverseReplicationOrchestration(context: Context): Steps<Result<null>> {
  const { itemId, cycle, failures } = context.df.getInput<Input>();
  yield* sleep(context, REVERSE_CYCLE_MS);
  const item = yield* callActivity(context, 'readItem', { itemId });
  if (item?.phase !== 'protected') return success(null);
  // Cycle numbers start again after the next failback; the time makes the command ids unique.
  const point = `reverse-${context.df.currentUtcDateTime.getTime()}`;
  const outcome = yield* asResult(oneDelta(context, itemId, point));
  context.df.setCustomStatus(outcome.ok ? outcome.value : outcome.error);
  const error = outcome.ok ? null : outcome.error;
  // The loop goes on even if nobody can be told how it goes.
  yield* asResult(callActivity(context, 'recordReverse', { itemId, error }));
  const next: Input = { itemId, cycle: cycle + 1, failures: outcome.ok ? 0 : failures + 1 };
  context.df.continueAsNew(next);
  return success(null);
}

function* oneDelta(context: Context, itemId: string, point: string): Steps<unknown> {
  const jobId = `${point}-${itemId}`;
  const site = yield* callActivity(context, 'bindSite', { jobId, itemId });
  return yield* replicateToAzureOnce(context, { jobId, itemId, point, site });
}
