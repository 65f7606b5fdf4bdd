import type { SourceSight } from '../../shared/domain/source-state.ts';
import { DEADLINE_MS, POLL_MS } from '../../shared/policy/deadlines.ts';
import { callActivity, type Context, later, sleep, type Steps } from './steps.ts';

/** Looks at the Azure VM. Azure that does not answer is asked again for a while: most faults pass. */
export function* lookAtSource(
  context: Context,
  job: { readonly jobId: string; readonly itemId: string },
  look: 'noteSourcePower' | 'readSource',
): Steps<SourceSight> {
  const deadline = later(context, DEADLINE_MS.sourceAnswer);
  for (;;) {
    const sight = yield* callActivity(context, look, job);
    if (sight.state !== 'unreachable' || context.df.currentUtcDateTime >= deadline) return sight;
    yield* sleep(context, POLL_MS.source);
  }
}
