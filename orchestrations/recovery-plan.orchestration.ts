import { type OrchestrationInput, partInstanceId } from '../shared/contracts/orchestrations.ts';
import type { ErrorRecord } from '../shared/errors/failback-error.ts';
import { failure, type Result } from '../shared/errors/result.ts';
import { POLL_MS } from '../shared/policy/deadlines.ts';
import { passGate, runStage } from './support/plan.ts';
import {
  asResult,
  callActivity,
  callOrchestration,
  type Context,
  growingPauses,
  sleep,
  StepFailure,
  type Steps,
  unwrap,
} from './support/steps.ts';

/**
 * A run of a recovery plan: prepares all machines, brings them home group by group, commits together. Whatever
 * it did is in its record, so a run whose orchestration was stopped is taken up by starting it again.
 */
export function* recoveryPlanOrchestration(context: Context): Steps<Result<null>> {
  const { runId } = context.df.getInput<OrchestrationInput<'recoveryPlan'>>();
  const result = yield* asResult(toItsEnd(context, runId));
  if (!result.ok && isBroken(result.error)) yield* interrupt(context, runId, result.error);
  return result;
}

function* toItsEnd(context: Context, runId: string): Steps<null> {
  const run = yield* asResult(carryOut(context, runId));
  const result = run.ok ? run : yield* goBack(context, runId, run);
  if (!result.ok && isBroken(result.error)) throw new StepFailure(result.error);
  const error = result.ok ? null : result.error;
  yield* callActivity(context, 'finishPlanRun', { runId, error });
  return unwrap(result);
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

const AT_POINTS =
  'Resume to look again, with skip to go on without the machines that are refused, or cancel to go back to Azure';

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
  let pauses = growingPauses(POLL_MS.planFirst, POLL_MS.planMax);
  for (let count = 1; ; count += 1) {
    const chosen = yield* callActivity(context, 'choosePlanPoints', { runId });
    const { refusal, isHeld, round, hasStragglers } = chosen;
    if (refusal === null && !hasStragglers) {
      if (isHeld) return;
      // A seal that began before the points were fixed might still drop one of them.
      yield* sleep(context, pauses.next().value);
      continue;
    }
    pauses = growingPauses(POLL_MS.planFirst, POLL_MS.planMax);
    if (refusal === null) {
      const stage = { runId, stage: 'prepare', groupId: null } as const;
      yield* runStage(context, stage, `prepare-again-${count}`);
      continue;
    }
    yield* passGate(context, {
      runId,
      key: `points-${round}`,
      kind: 'points',
      message: `${refusal.code} ${refusal.message} ${AT_POINTS}`,
    });
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

/** This program, its storage or its rights broke: nothing is known of the machines, so nothing is undone. */
const BROKEN: readonly string[] = ['FB-ORC-001', 'FB-ORC-002', 'FB-AZ-001', 'FB-AZ-002'];

function isBroken({ code }: ErrorRecord): boolean {
  return BROKEN.includes(code);
}

/** Undoes what is not committed, after a cancel or where the plan says so. */
function* goBack(
  context: Context,
  runId: string,
  run: Extract<Result<null>, { ok: false }>,
): Steps<Result<null>> {
  if (isBroken(run.error)) return run;
  const undone = yield* asResult(runStage(context, { runId, stage: 'rollBack', groupId: null }));
  return undone.ok ? run : failure(undone.error);
}

/** Its machines wait for the run, so it does not end: as soon as the record can be written it says what broke. */
function* interrupt(context: Context, runId: string, error: ErrorRecord): Steps<void> {
  const { instanceId } = context.df;
  for (const pauseMs of growingPauses(POLL_MS.longRunningFirst, POLL_MS.longRunningMax)) {
    const noted = yield* asResult(
      callActivity(context, 'interruptPlanRun', { runId, instanceId, error }),
    );
    if (noted.ok || !isBroken(noted.error)) return;
    yield* sleep(context, pauseMs);
  }
}
