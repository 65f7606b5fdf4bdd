import {
  INTENT_EVENT,
  type OrchestrationContracts,
  type OrchestrationInput,
} from '../shared/contracts/orchestrations.ts';
import type { Result } from '../shared/errors/result.ts';
import { AUTO_FAILOVER_MAX_CYCLE_MS } from '../shared/policy/limits.ts';
import { readIntent } from './support/gate.ts';
import { replicatePoint } from './support/recovery-point.ts';
import { waitForEvent } from './support/run-command.ts';
import { asResult, callActivity, type Context, type Steps } from './support/steps.ts';

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
  const done = yield* replicatePoint(context, replication, request);
  const isSettled = done.statistics.durationMs <= AUTO_FAILOVER_MAX_CYCLE_MS;
  // A gate that is about to open by itself must not wait for the next cycle.
  if (!(isSettled && replication.options.autoFailover)) {
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
