import type { PowerState } from '../shared/contracts/activities.ts';
import {
  type Base,
  type FailbackInput,
  partInstanceId,
  replicationPart,
} from '../shared/contracts/orchestrations.ts';
import { BEYOND_RETURN, type Intent } from '../shared/domain/phases.ts';
import { type ErrorRecord, errorRecord } from '../shared/errors/failback-error.ts';
import type { Result } from '../shared/errors/result.ts';
import { finish } from './support/finish.ts';
import { cancelled, readIntent } from './support/gate.ts';
import { enterPhase } from './support/phase.ts';
import {
  asResult,
  callActivity,
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
  const isAtCommitGate = input.startAt === 'commitPending' && input.isRestart !== true;
  const isClean = input.startAt === 'failedOver' || isAtCommitGate;
  if (!isClean) yield* goBack(context, input, { part: 'undo-leftovers' });
  try {
    if (isAtCommitGate) yield* showCommitGate(context, input);
    else yield* comeHome(context, input);
    yield* commitGate(context, input);
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    yield* goBack(context, input, { part: 'rollback', cause: error.record });
    throw error;
  }
}

function* goBack(
  context: Context,
  { jobId, itemId }: FailbackInput,
  { part, ...why }: { readonly part: string; readonly cause?: ErrorRecord },
): Steps<void> {
  const undo = { jobId, itemId, replicationId: itemId, isRehearsal: false, part, ...why };
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
  let reached: { readonly base: Base; readonly cycle: number } = { base, cycle: 1 };
  for (let round = 1; ; round += 1) {
    const gate = yield* callOrchestration(
      context,
      'replication',
      { replication, ...reached, isSettled: false, ...(round === 1 ? {} : { isHeldBack: true }) },
      partInstanceId(jobId, replicationPart(round)),
    );
    if (gate.decision === 'cancel') throw cancelled();
    reached = { base: gate.base, cycle: gate.cycle };
    // What was put back right before the shutdown leads to the gate again. Every round has parts of its own.
    const isFirst = round === 1;
    const end = yield* callOrchestration(
      context,
      'failover',
      { replication, ...reached, ...(isFirst ? {} : { round }) },
      partInstanceId(jobId, isFirst ? 'failover' : `failover-${round}`),
    );
    if (end !== 'heldBack') return;
  }
}

/** A failback that is taken up at the gate shows where it stands. */
function* showCommitGate(context: Context, input: FailbackInput): Steps<void> {
  const subject = { jobId: input.jobId, itemId: input.itemId, isRehearsal: false };
  yield* enterPhase(context, subject, 'commitPending', {
    message: 'The machine runs on-premises; commit to accept, cancel to go back to Azure',
    state: input.options.autoCommit ? 'running' : 'waitingForOperator',
    task: 'waitForCommit',
  });
}

/**
 * Entering `committing` is part of the gate: a cancel that comes before it still leads back. A commit that cannot be
 * leaves the machine at the gate, where from then on a person decides.
 */
function* commitGate(context: Context, { jobId, itemId, options }: FailbackInput): Steps<void> {
  const subject = { jobId, itemId, isRehearsal: false };
  for (let refusals = 0; ; refusals += 1) {
    const part = refusals === 0 ? 'commit-gate' : `commit-gate-${refusals}`;
    const isAutomatic = options.autoCommit && refusals === 0;
    const decision = yield* decideOnCommit(context, jobId, isAutomatic ? null : part);
    if (decision === 'cancel') throw cancelled();
    const error = yield* refusalOfCommit(context, { jobId, itemId });
    if (error === null) break;
    yield* enterPhase(context, subject, 'commitPending', {
      message: `The commit was refused; commit again, or cancel to go back to Azure: ${error.code} ${error.message}`,
      state: 'waitingForOperator',
      task: 'waitForCommit',
      error,
      gate: `commit-gate-${refusals + 1}`,
    });
  }
  yield* enterPhase(context, subject, 'committing', {
    message: 'Keeping the disks in Azure as the replica, then deleting the Azure VM',
    task: 'keepReplica',
  });
}

function* decideOnCommit(context: Context, jobId: string, gate: string | null): Steps<Intent> {
  if (gate === null) return (yield* readIntent(context, jobId, ['cancel'])) ?? 'commit';
  const wanted: readonly Intent[] = ['cancel', 'commit'];
  return yield* callOrchestration(context, 'gate', { jobId, wanted }, partInstanceId(jobId, gate));
}

/** Where the Azure VM may stand when it is deleted: off, as the shutdown left it, or gone already. */
const OFF: readonly PowerState[] = ['stopped', 'deallocated', 'absent'];

/** A VM that runs again has written what is nowhere else, and would run beside the machine at home. */
function* refusalOfCommit(
  context: Context,
  job: { readonly jobId: string; readonly itemId: string },
): Steps<ErrorRecord | null> {
  const power = yield* asResult(callActivity(context, 'readVmPower', job));
  if (power.ok && OFF.includes(power.value.powerState)) return null;
  const item = yield* callActivity(context, 'readItem', { itemId: job.itemId });
  const vmName = item?.vmName ?? job.itemId;
  // The machine that serves people at home must not go back to an Azure that does not answer.
  if (!power.ok) return errorRecord('FB-SRC-007', { vmName, reason: power.error.message });
  return errorRecord('FB-ORC-014', { vmName, actual: power.value.powerState });
}
