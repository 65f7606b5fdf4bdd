import type { Intent } from '../../shared/domain/phases.ts';
import { callActivity, type Context, type Steps } from './steps.ts';

/** The first of the wanted intents that the job's record shows: the record is the truth, events only wake. */
export function* readIntent<I extends Intent>(
  context: Context,
  jobId: string,
  wanted: readonly I[],
): Steps<I | null> {
  const intents = yield* callActivity(context, 'readIntents', { jobId });
  return wanted.find((intent) => intents[intent] !== undefined) ?? null;
}
