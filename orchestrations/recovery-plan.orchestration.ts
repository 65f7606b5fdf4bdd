import { type OrchestrationInput, partInstanceId } from '../shared/contracts/orchestrations.ts';
import { failure, type Result } from '../shared/errors/result.ts';
import { passGate, runStage } from './support/plan.ts';
import {
  asResult,
  callActivity,
  callOrchestration,
  type Context,
  type Steps,
} from './support/steps.ts';

/**
 * A run of a recovery plan: prepares all machines, brings them home group by group, commits together. Whatever
 * it did is in its record, so a run whose orchestration was stopped is taken up by starting it again.
 */
export function* recoveryPlanOrchestration(context: Context): Steps<Result<null>> {
  const { runId } = context.df.getInput<OrchestrationInput<'recoveryPlan'>>();
  const run = yield* asResult(carryOut(context, runId));
  const result = run.ok ? run : yield* goBack(context, runId, run);
  yield* callActivity(context, 'finishPlanRun', { runId, error: result.ok ? null : result.error });
  return result;
}

function* carryOut(context: Context, runId: string): Steps<null> {
  const { kind, groupIds, isFailoverAutomatic } = yield* callActivity(context, 'beginPlanRun', {
    runId,
  });
  const isFailback = kind === 'failback';
  if (isFailback) yield* prepare(context, runId, isFailoverAutomatic);
  for (const groupId of groupIds) {
    const instanceId = partInstanceId(context.df.instanceId, `group-${groupId}`);
    yield* callOrchestration(context, 'planGroup', { runId, groupId }, instanceId);
  }
  if (isFailback) yield* commit(context, runId);
  return null;
}

/** All machines replicate and hold at their gates before the first of them goes down. */
function* prepare(context: Context, runId: string, isFailoverAutomatic: boolean): Steps<void> {
  yield* runStage(context, { runId, stage: 'prepare', groupId: null });
  if (!isFailoverAutomatic) {
    yield* passGate(context, {
      runId,
      key: 'failover',
      kind: 'failover',
      message: 'All machines are ready; resume to fail over group by group',
    });
  }
  for (;;) {
    const { refusal, round } = yield* callActivity(context, 'choosePlanPoints', { runId });
    if (refusal === null) return;
    const message = `${refusal.code} ${refusal.message}`;
    yield* passGate(context, { runId, key: `points-${round}`, kind: 'points', message });
  }
}

/** From the decision on nothing is called back. */
function* commit(context: Context, runId: string): Steps<void> {
  yield* passGate(context, {
    runId,
    key: 'commit',
    kind: 'commit',
    message: 'The machines run on-premises; commit to accept all of them, cancel to go back',
  });
  yield* runStage(context, { runId, stage: 'commit', groupId: null });
}

/** This program or its storage broke: nothing is known of the machines, so nothing is undone. */
const DEFECTS: readonly string[] = ['FB-ORC-001', 'FB-ORC-002'];

/** Undoes what is not committed, after a cancel or where the plan says so. */
function* goBack(
  context: Context,
  runId: string,
  run: Extract<Result<null>, { ok: false }>,
): Steps<Result<null>> {
  if (DEFECTS.includes(run.error.code)) return run;
  const undone = yield* asResult(runStage(context, { runId, stage: 'rollBack', groupId: null }));
  return undone.ok ? run : failure(undone.error);
}
