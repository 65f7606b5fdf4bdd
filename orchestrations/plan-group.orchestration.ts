import type { OrchestrationInput } from '../shared/contracts/orchestrations.ts';
import type { Result } from '../shared/errors/result.ts';
import { runPlanAction } from './support/plan-action.ts';
import { passGate, runStage } from './support/plan.ts';
import { asResult, callActivity, type Context, type Steps } from './support/steps.ts';

type Input = OrchestrationInput<'planGroup'>;

/** One group of a plan: what comes before, its machines, what comes after, and the pause behind it. */
export function* planGroupOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(bringHome(context, input));
}

function* bringHome(context: Context, { runId, groupId }: Input): Steps<null> {
  const group = yield* callActivity(context, 'beginPlanGroup', { runId, groupId });
  if (!group.isDone) {
    for (const actionId of group.preActions) yield* runPlanAction(context, runId, actionId);
    const stage = group.kind === 'failback' ? 'failOver' : 'rehearse';
    yield* runStage(context, { runId, stage, groupId });
    for (const actionId of group.postActions) yield* runPlanAction(context, runId, actionId);
    yield* callActivity(context, 'endPlanGroup', { runId, groupId });
  }
  if (group.pause === null) return null;
  const isTimed = group.pause !== 'untilResumed';
  yield* passGate(context, {
    runId,
    key: `pause-${groupId}`,
    kind: 'pause',
    message: isTimed
      ? `Pausing before the next group`
      : 'Paused before the next group until somebody resumes',
    ...(group.pause === 'untilResumed' ? {} : { pauseSeconds: group.pause.seconds }),
  });
  return null;
}
