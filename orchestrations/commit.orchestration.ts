import type { FailbackInput } from '../shared/contracts/orchestrations.ts';
import { errorRecord } from '../shared/errors/failback-error.ts';
import type { Result } from '../shared/errors/result.ts';
import { DEADLINE_MS, POLL_MS } from '../shared/policy/deadlines.ts';
import { changePower } from './support/azure-power.ts';
import { enterPhase } from './support/phase.ts';
import { runCommand } from './support/run-command.ts';
import {
  asResult,
  callActivity,
  type Context,
  growingPauses,
  later,
  sleep,
  StepFailure,
  type Steps,
} from './support/steps.ts';

interface CommitJob {
  readonly jobId: string;
  readonly itemId: string;
}

/** Point of no return. Every step can be run again, so a commit that broke off is taken up, not undone. */
export function* commitOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<FailbackInput>();
  return yield* asResult(commit(context, input));
}

function* commit(context: Context, { jobId, itemId }: FailbackInput): Steps<null> {
  const job = { jobId, itemId };
  yield* enterPhase(context, { ...job, isRehearsal: false }, 'committing', {
    message: 'Keeping the disks in Azure as the replica, then deleting the Azure VM',
    state: 'running',
    task: 'keepReplica',
  });
  const item = yield* callActivity(context, 'readItem', { itemId });
  const vmName = item?.vmName ?? itemId;
  const { powerState } = yield* callActivity(context, 'readVmPower', job);
  // Started by somebody while a commit that broke off waited to be taken up: what it writes is nowhere else.
  if (powerState === 'running') {
    throw new StepFailure(errorRecord('FB-ORC-014', { vmName, actual: powerState }));
  }
  yield* keepReplica(context, job, { vmName, isVmThere: powerState !== 'absent' });
  // A commit that is taken up again, or somebody else, may have deleted it already.
  if (powerState !== 'absent') {
    yield* enterPhase(context, { ...job, isRehearsal: false }, 'committing', {
      message: 'The replica is complete; deleting the Azure VM',
      task: 'deleteAzureVm',
    });
    yield* callActivity(context, 'deleteAzureVm', job);
    yield* waitUntilGone(context, job, vmName);
  }
  yield* removeSnapshots(context, job);
  yield* forgetOlderPoints(context, job);
  const committedAt = context.df.currentUtcDateTime.toISOString();
  yield* callActivity(context, 'recordReport', { jobId, report: { committedAt } });
  return null;
}

/** The machine is home and its replica complete: snapshots that stay keep nobody from the commit. */
function* removeSnapshots(context: Context, job: CommitJob): Steps<void> {
  const pruned = yield* asResult(callActivity(context, 'pruneSnapshots', { ...job, keep: [] }));
  if (pruned.ok) return;
  const { code, message } = pruned.error;
  yield* enterPhase(context, { ...job, isRehearsal: false }, 'committing', {
    message: `Snapshots with the tag failback-item stay in Azure until the next failback: ${code} ${message}`,
  });
}

/** Nobody goes back any more. They only take room: a master target that is away keeps nobody from the commit. */
function* forgetOlderPoints(context: Context, { jobId, itemId }: CommitJob): Steps<void> {
  const forgotten = yield* asResult(atMasterTarget(context, { jobId, itemId }));
  const reason = forgotten.ok
    ? forgotten.value
    : `${forgotten.error.code} ${forgotten.error.message}`;
  if (reason === null) return;
  yield* enterPhase(context, { jobId, itemId, isRehearsal: false }, 'committing', {
    message: `Older recovery points stay on the retention volume until the next failback: ${reason}`,
  });
}

/** Returns why it was not asked. */
function* atMasterTarget(context: Context, { jobId, itemId }: CommitJob): Steps<string | null> {
  const { masterTargetId } = yield* callActivity(context, 'findSiteAgents', { jobId, itemId });
  if (masterTargetId === null) return 'the master target is not connected';
  yield* runCommand(context, {
    jobId,
    step: 'forget-older-points',
    agentId: masterTargetId,
    name: 'forgetOlderPoints',
    input: { replicationId: itemId },
    deadlineMs: DEADLINE_MS.quickCommand,
  });
  return null;
}

/** Once its completion is recorded the snapshots that it was made of may go, and whoever comes later knows. */
function* keepReplica(
  context: Context,
  job: CommitJob,
  { vmName, isVmThere }: { readonly vmName: string; readonly isVmThere: boolean },
): Steps<void> {
  const kept = yield* callActivity(context, 'keepReplicaSeed', job);
  if (kept.seededAt !== null) return;
  // The copy may take a day; a VM that is only powered off is paid for all the while.
  if (isVmThere) yield* changePower(context, { ...job, vmName }, 'deallocate');
  yield* waitForSeed(context, job);
  const seededAt = context.df.currentUtcDateTime.toISOString();
  yield* callActivity(context, 'recordReport', { jobId: job.jobId, report: { seededAt } });
}

function* waitForSeed(context: Context, job: CommitJob): Steps<void> {
  const deadline = later(context, DEADLINE_MS.replicaSeed);
  for (const pauseMs of growingPauses(POLL_MS.longRunningFirst, POLL_MS.longRunningMax)) {
    const seed = yield* callActivity(context, 'readReplicaSeed', job);
    if (seed.state === 'done') return;
    if (seed.state === 'failed' || context.df.currentUtcDateTime >= deadline) {
      const values = { diskName: job.itemId, reason: seed.detail };
      throw new StepFailure(errorRecord('FB-ORC-009', values));
    }
    yield* sleep(context, pauseMs);
  }
}

function* waitUntilGone(context: Context, job: CommitJob, vmName: string): Steps<void> {
  const deadline = later(context, DEADLINE_MS.siteChange);
  for (const pauseMs of growingPauses(POLL_MS.powerFirst, POLL_MS.powerMax)) {
    const { powerState } = yield* callActivity(context, 'readVmPower', job);
    if (powerState === 'absent') return;
    if (context.df.currentUtcDateTime >= deadline) {
      const values = { vmName, needed: 'deleted', actual: powerState };
      throw new StepFailure(errorRecord('FB-ORC-008', values));
    }
    yield* sleep(context, pauseMs);
  }
}
