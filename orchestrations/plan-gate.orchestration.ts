import {
  INTENT_EVENT,
  type OrchestrationContracts,
  type OrchestrationInput,
} from '../shared/contracts/orchestrations.ts';
import type { Result } from '../shared/errors/result.ts';
import { POLL_MS } from '../shared/policy/deadlines.ts';
import { GATE_LOOKS_PER_EXECUTION } from '../shared/policy/limits.ts';
import { waitForEvent } from './support/run-command.ts';
import { asResult, callActivity, type Context, type Steps } from './support/steps.ts';

type Input = OrchestrationInput<'planGate'>;
type Output = OrchestrationContracts['planGate']['output'];

/** Waits for a person, or for a pause to be over. The record is the truth, events only wake. */
export function* planGateOrchestration(context: Context): Steps<Result<Output | null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(wait(context, input));
}

function* wait(context: Context, input: Input): Steps<Output | null> {
  const { runId, key } = input;
  const { instanceId } = context.df;
  yield* callActivity(context, 'openPlanGate', { ...input, instanceId });
  for (let look = 0; look < GATE_LOOKS_PER_EXECUTION; look += 1) {
    const { decision, note, untilAt } = yield* callActivity(context, 'readPlanGate', {
      runId,
      key,
    });
    if (decision !== null) return { decision, note };
    yield* waitForEvent(context, INTENT_EVENT, pauseMs(context, untilAt));
  }
  context.df.continueAsNew(input);
  return null;
}

/** Not beyond the end of a pause; a cancel is looked for all the same. */
function pauseMs(context: Context, untilAt: string | null): number {
  if (untilAt === null) return POLL_MS.intent;
  const leftMs = Date.parse(untilAt) - context.df.currentUtcDateTime.getTime();
  return Math.max(1_000, Math.min(POLL_MS.intent, leftMs));
}
