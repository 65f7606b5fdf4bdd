import type { Intent } from '../../shared/domain/phases.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { callActivity, type Context, StepFailure, type Steps } from './steps.ts';

/** The first of the wanted intents that the job's record shows: the record is the truth, events only wake. */
export function* readIntent<I extends Intent>(
  context: Context,
  jobId: string,
  wanted: readonly I[],
): Steps<I | null> {
  const intents = yield* callActivity(context, 'readIntents', { jobId });
  return wanted.find((intent) => intents[intent] !== undefined) ?? null;
}

/** Where nothing waits for an operator: a cancel that came before is obeyed here. */
export function* refuseIfCancelled(context: Context, jobId: string): Steps<void> {
  const intent = yield* readIntent(context, jobId, ['cancel']);
  if (intent !== null) throw cancelled();
}

export function cancelled(): StepFailure {
  return new StepFailure(errorRecord('FB-ORC-005'));
}
