import {
  INTENT_EVENT,
  type OrchestrationContracts,
  type OrchestrationInput,
} from '../shared/contracts/orchestrations.ts';
import type { Result } from '../shared/errors/result.ts';
import { POLL_MS } from '../shared/policy/deadlines.ts';
import { PLAN_LOOKS_PER_EXECUTION } from '../shared/policy/limits.ts';
import { waitForEvent } from './support/run-command.ts';
import {
  asResult,
  callActivity,
  type Context,
  growingPauses,
  type Steps,
} from './support/steps.ts';

type Input = OrchestrationInput<'planStage'>;
type Output = OrchestrationContracts['planStage']['output'];

/**
 * Brings the machines of one stage as far as it goes. One activity looks at all of them, so that the history
 * grows with time and not with the number of machines; it starts afresh now and then.
 */
export function* planStageOrchestration(context: Context): Steps<Result<Output | null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(drive(context, input));
}

function* drive(context: Context, input: Input): Steps<Output | null> {
  let pauses = growingPauses(POLL_MS.planFirst, POLL_MS.planMax);
  let settledBefore = 0;
  for (let count = 0; count < PLAN_LOOKS_PER_EXECUTION; count += 1) {
    const look = yield* callActivity(context, 'drivePlanStage', input);
    const { verdict, settled, underWay, leftBehind } = look;
    context.df.setCustomStatus({ stage: input.stage, groupId: input.groupId, settled, underWay });
    if (verdict !== 'underWay') return { verdict, leftBehind };
    // Where machines arrive others can start: as long as it goes on, looks stay frequent.
    if (settled !== settledBefore) pauses = growingPauses(POLL_MS.planFirst, POLL_MS.planMax);
    settledBefore = settled;
    yield* waitForEvent(context, INTENT_EVENT, pauses.next().value);
  }
  context.df.continueAsNew(input);
  return null;
}
