import { INTENT_EVENT, type OrchestrationInput } from '../shared/contracts/orchestrations.ts';
import type { Intent } from '../shared/domain/phases.ts';
import type { Result } from '../shared/errors/result.ts';
import { POLL_MS } from '../shared/policy/deadlines.ts';
import { GATE_LOOKS_PER_EXECUTION } from '../shared/policy/limits.ts';
import { readIntent } from './support/gate.ts';
import { waitForEvent } from './support/run-command.ts';
import { asResult, type Context, type Steps } from './support/steps.ts';

/** Waits for an operator without a limit; starts afresh now and then so that its history stays short. */
export function* gateOrchestration(context: Context): Steps<Result<Intent | null>> {
  const input = context.df.getInput<OrchestrationInput<'gate'>>();
  return yield* asResult(wait(context, input));
}

function* wait(context: Context, input: OrchestrationInput<'gate'>): Steps<Intent | null> {
  for (let look = 0; look < GATE_LOOKS_PER_EXECUTION; look += 1) {
    const intent = yield* readIntent(context, input.jobId, input.wanted);
    if (intent !== null) return intent;
    yield* waitForEvent(context, INTENT_EVENT, POLL_MS.intent);
  }
  context.df.continueAsNew(input);
  return null;
}
