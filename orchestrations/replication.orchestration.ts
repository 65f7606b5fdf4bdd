import {
  INTENT_EVENT,
  type OrchestrationContracts,
  type OrchestrationInput,
} from '../shared/contracts/orchestrations.ts';
import { lossBehind } from '../shared/domain/source-state.ts';
import type { ErrorRecord } from '../shared/errors/failback-error.ts';
import type { Result } from '../shared/errors/result.ts';
import { AUTO_FAILOVER_MAX_CYCLE_MS } from '../shared/policy/limits.ts';
import { readIntent } from './support/gate.ts';
import { replicatePoint } from './support/recovery-point.ts';
import { waitForEvent } from './support/run-command.ts';
import { asResult, callActivity, type Context, StepFailure, type Steps } from './support/steps.ts';

type Input = OrchestrationInput<'replication'>;
type Output = OrchestrationContracts['replication']['output'];

/**
 * The loop of one machine between its first recovery point and its failover: one delta an execution,
 * then afresh, so that the history stays as short as one cycle.
 */
export function* replicationOrchestration(context: Context): Steps<Result<Output | null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(oneCycle(context, input));
}

function* oneCycle(context: Context, input: Input): Steps<Output | null> {
  const { replication, base, cycle } = input;
  const decision = yield* decide(context, input);
  if (decision !== null) return { decision, base, cycle };

  const common = yield* commonInstant(context, input);
  if (common === 'asked') {
    context.df.continueAsNew(input);
    return null;
  }
  const isDue = common !== null || isApplicationConsistencyDue(context, input);
  const consistency = isDue ? 'applicationConsistent' : 'crashConsistent';
  const groupPointId = common?.groupPointId;
  const request = { cycle, kind: 'delta', base, consistency, groupPointId } as const;
  const replicated = yield* asResult(replicatePoint(context, replication, request));
  if (!replicated.ok) return yield* waitForSource(context, input, replicated.error);
  const done = replicated.value;
  const isSettled = done.statistics.durationMs <= AUTO_FAILOVER_MAX_CYCLE_MS;
  // A gate that is about to open by itself must not wait for the next cycle, unless it has just closed again.
  const isOpening = isSettled && replication.options.autoFailover && input.isHeldBack !== true;
  if (!isOpening) {
    yield* waitForEvent(context, INTENT_EVENT, replication.options.cycleIntervalSeconds * 1000);
  }
  const { takenAt } = done.statistics;
  const askedAt = isDue ? takenAt : input.applicationConsistencyAskedAt;
  context.df.continueAsNew({
    replication,
    base: done.base,
    cycle: cycle + 1,
    isSettled,
    ...(askedAt === undefined ? {} : { applicationConsistencyAskedAt: askedAt }),
  });
  return null;
}

/**
 * What is sealed may be the last copy of the machine: a cycle that failed because of Azure ends nothing. The next one is
 * tried at the usual pace, and a person may cancel or fail over to a sealed point meanwhile. Its number is new, because
 * the disks of one point belong to one instant.
 */
function* waitForSource(context: Context, input: Input, error: ErrorRecord): Steps<null> {
  const { replication, cycle, isHeldBack: _passed, ...rest } = input;
  const { jobId, itemId, options } = replication;
  const isBrokenOff = error.code === 'FB-SRC-006';
  const kind = lossBehind(error);
  if (kind === null && !isBrokenOff) throw new StepFailure(error);
  let { base } = input;
  if (kind !== null) {
    const noted = yield* callActivity(context, 'noteSourceLoss', { jobId, itemId, kind, error });
    ({ base } = noted);
    yield* waitForEvent(context, INTENT_EVENT, options.cycleIntervalSeconds * 1000);
  }
  context.df.continueAsNew({ ...rest, replication, base, cycle: cycle + 1, isSettled: false });
  return null;
}

function* decide(context: Context, input: Input): Steps<Output['decision'] | null> {
  const { jobId, options } = input.replication;
  const intent = yield* readIntent(context, jobId, ['cancel', 'failover']);
  if (intent !== null) return intent;
  return options.autoFailover && input.isSettled ? 'failover' : null;
}

/** Asked for at the first delta, then whenever the operator's interval has passed since. */
function isApplicationConsistencyDue(context: Context, input: Input): boolean {
  const { applicationConsistentMinutes: minutes, replicationGroupId } = input.replication.options;
  // A machine of a replication group takes them at the common instants only.
  if (minutes === 0 || replicationGroupId !== undefined) return false;
  const { applicationConsistencyAskedAt: last } = input;
  if (last === undefined) return true;
  return context.df.currentUtcDateTime.getTime() - Date.parse(last) >= minutes * 60_000;
}

/** Waits for the instant that the machine's replication group has agreed on, if it is near. A person goes first. */
function* commonInstant(
  context: Context,
  { replication }: Input,
): Steps<{ readonly groupPointId: string } | 'asked' | null> {
  const { replicationGroupId: groupId, ...options } = replication.options;
  const { applicationConsistentMinutes: intervalMinutes, cycleIntervalSeconds } = options;
  if (groupId === undefined || intervalMinutes === 0) return null;
  const poll = { groupId, intervalMinutes, cycleIntervalSeconds };
  const { take } = yield* callActivity(context, 'agreeOnGroupPoint', poll);
  if (take === null) return null;
  const leftMs = Date.parse(take.at) - context.df.currentUtcDateTime.getTime();
  const isAsked = leftMs > 0 && (yield* waitForEvent(context, INTENT_EVENT, leftMs));
  return isAsked ? 'asked' : take;
}
