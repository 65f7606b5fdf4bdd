import { type FailbackInput, partInstanceId } from '../shared/contracts/orchestrations.ts';
import { BEYOND_RETURN, type Intent } from '../shared/domain/phases.ts';
import { errorRecord } from '../shared/errors/failback-error.ts';
import type { Result } from '../shared/errors/result.ts';
import { finish } from './support/finish.ts';
import { readIntent } from './support/gate.ts';
import {
  asResult,
  callOrchestration,
  type Context,
  StepFailure,
  type Steps,
} from './support/steps.ts';

/** Azure → on-premises → protected towards Azure again, for one machine. */
export function* failbackOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<FailbackInput>();
  const result = yield* asResult(itinerary(context, input));
  yield* finish(context, input, result);
  return result;
}

/**
 * Takes up whatever an earlier run left behind: beyond the point of no return it goes on, a machine that
 * waits for its commit waits on, anything half-done before that is first undone.
 */
function* itinerary(context: Context, input: FailbackInput): Steps<null> {
  const { jobId, startAt } = input;
  if (!BEYOND_RETURN.includes(startAt)) yield* comeHomeOrGoBack(context, input);
  if (!BEYOND_RETURN.includes(startAt) || startAt === 'committing') {
    yield* callOrchestration(context, 'commit', input, partInstanceId(jobId, 'commit'));
  }
  yield* callOrchestration(
    context,
    'reverseReplicate',
    input,
    partInstanceId(jobId, 'reverse-replicate'),
  );
  return null;
}

function* comeHomeOrGoBack(context: Context, input: FailbackInput): Steps<void> {
  const isClean = input.startAt === 'failedOver' || input.startAt === 'commitPending';
  if (!isClean) yield* goBack(context, input, 'undo-leftovers');
  try {
    if (input.startAt !== 'commitPending') yield* comeHome(context, input);
    yield* commitGate(context, input);
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    yield* goBack(context, input, 'rollback');
    throw error;
  }
}

function* goBack(context: Context, { jobId, itemId }: FailbackInput, part: string): Steps<void> {
  const undo = { jobId, itemId, replicationId: itemId, isRehearsal: false, part };
  yield* callOrchestration(context, 'rollback', undo, partInstanceId(jobId, part));
}

function* comeHome(context: Context, input: FailbackInput): Steps<void> {
  const { jobId } = input;
  const { replication, base } = yield* callOrchestration(
    context,
    'reprotect',
    input,
    partInstanceId(jobId, 'reprotect'),
  );
  const gate = yield* callOrchestration(
    context,
    'replication',
    { replication, base, cycle: 1, isSettled: false },
    partInstanceId(jobId, 'replication'),
  );
  if (gate.decision === 'cancel') throw cancelled();
  const { base: newestBase, cycle } = gate;
  yield* callOrchestration(
    context,
    'failover',
    { replication, base: newestBase, cycle },
    partInstanceId(jobId, 'failover'),
  );
}

function* commitGate(context: Context, { jobId, options }: FailbackInput): Steps<void> {
  const wanted: readonly Intent[] = ['cancel', 'commit'];
  const decision = options.autoCommit
    ? ((yield* readIntent(context, jobId, ['cancel'])) ?? 'commit')
    : yield* callOrchestration(
        context,
        'gate',
        { jobId, wanted },
        partInstanceId(jobId, 'commit-gate'),
      );
  if (decision === 'cancel') throw cancelled();
}

function cancelled(): StepFailure {
  return new StepFailure(errorRecord('FB-ORC-005'));
}
