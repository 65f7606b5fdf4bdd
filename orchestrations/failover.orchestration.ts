import {
  type Base,
  type OrchestrationInput,
  replicationPart,
} from '../shared/contracts/orchestrations.ts';
import type { ActivityOutput } from '../shared/contracts/activities.ts';
import { isThereToShutDown, lossBehind, type SourceSight } from '../shared/domain/source-state.ts';
import type { Result } from '../shared/errors/result.ts';
import type { CycleStatistics } from '../shared/domain/job.ts';
import { DEADLINE_MS } from '../shared/policy/deadlines.ts';
import { FINAL_DELTA_REPEATS } from '../shared/policy/limits.ts';
import { changePower } from './support/azure-power.ts';
import { bootOrDecide, proveDisks, withWarnings } from './support/boot.ts';
import { refuseIfCancelled } from './support/gate.ts';
import { enterPhase } from './support/phase.ts';
import { mendNewest, type PointToProve } from './support/prove.ts';
import { runCommand, tryLongCommand } from './support/run-command.ts';
import { replicatePoint } from './support/recovery-point.ts';
import { lookAtSource } from './support/source.ts';
import {
  asResult,
  callActivity,
  type Context,
  StepFailure,
  type Steps,
  unwrap,
} from './support/steps.ts';

type Input = OrchestrationInput<'failover'>;
type Sealed = NonNullable<ActivityOutput<'readFailoverChoice'>['sealed']>;

/** The downtime: stop in Azure, carry over the last changes, prove, boot on-premises. */
export function* failoverOrchestration(context: Context): Steps<Result<'heldBack' | null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(failover(context, input));
}

function* failover(context: Context, input: Input): Steps<'heldBack' | null> {
  const { replication, round = 1 } = input;
  const { jobId, itemId, site, options } = replication;
  const job = { jobId, itemId };
  // Before the phase in which going back would start the VM: it must not start one that was off.
  const source = yield* lookAtSource(context, job, 'noteSourcePower');
  const nextGate = replicationPart(round + 1);
  const judged = yield* callActivity(context, 'judgeFailover', { ...job, nextGate, source });
  const { state } = source;
  // A VM with other disks is always held back.
  if (judged.isHeldBack || state === 'changed') return 'heldBack';
  yield* enterPhase(context, replication, 'shuttingDownSource', {
    message: SHUTTING_DOWN[state],
    state: 'running',
    task: 'shutDownSource',
  });
  const shutDownAt = context.df.currentUtcDateTime;
  const vm = { ...job, vmName: site.item.vmName };
  const isThere = isThereToShutDown(state);
  if (isThere) yield* changePower(context, vm, 'powerOff');

  const { point, isFinalDeltaSent } = yield* lastPoint(context, input, state);

  const proof = yield* proveDisks(context, replication, point);
  const boot = yield* bootOrDecide(context, replication);
  const bootedAt = boot.bootedAt ?? context.df.currentUtcDateTime.toISOString();
  const downtimeSeconds = (Date.parse(bootedAt) - shutDownAt.getTime()) / 1000;
  yield* callActivity(context, 'recordReport', {
    jobId,
    report: {
      proof,
      ...boot,
      shutDownAt: shutDownAt.toISOString(),
      downtimeSeconds,
      recoveryPointId: point.pointId,
      isFinalDeltaSent,
      ...(isThere ? {} : { sourceAtFailover: state }),
      // The last delta is taken after the guest has shut down: at it nothing is lost.
      dataLossSeconds: Math.max(0, (shutDownAt.getTime() - Date.parse(point.takenAt)) / 1000),
    },
  });
  yield* enterPhase(context, replication, 'commitPending', {
    message: withWarnings(
      'The machine runs on-premises; commit to accept, cancel to go back to Azure',
      boot,
    ),
    state: options.autoCommit ? 'running' : 'waitingForOperator',
    task: 'waitForCommit',
  });
  return null;
}

const SHUTTING_DOWN = {
  there: 'Shutting down the Azure VM',
  incomplete: 'Shutting down the Azure VM, which has lost a disk',
  gone: 'Nothing to shut down: the Azure VM does not exist any more',
  unreachable: 'Not shutting down the Azure VM, which cannot be reached: that was accepted',
} as const satisfies Record<SourceState, string>;

type SourceState = Exclude<SourceSight['state'], 'changed'>;

interface LastPoint {
  readonly point: PointToProve;
  readonly isFinalDeltaSent: boolean;
}

/**
 * The point to boot. The newest that is sealed already needs no last delta: that is what it is chosen for. In
 * all other cases the last delta is sent, so that Azure and the site agree on what was there at the end, unless Azure
 * has nothing to give any more.
 */
function* lastPoint(context: Context, input: Input, source: SourceState): Steps<LastPoint> {
  const { replication, base, cycle } = input;
  const { jobId, itemId } = replication;
  const isFinalDeltaPossible = source === 'there';
  const wanted = { jobId, itemId, isFinalDeltaPossible };
  const choice = yield* callActivity(context, 'readFailoverChoice', wanted);
  if (choice.sealed !== undefined) {
    yield* enterPhase(context, replication, 'finalDelta', {
      message: isFinalDeltaPossible
        ? 'Leaving out the last changes: the newest sealed recovery point was chosen'
        : 'Leaving out the last changes: nobody can read them in Azure',
    });
    return yield* sealedPoint(context, input, { sealed: choice.sealed, source });
  }
  yield* enterPhase(context, replication, 'finalDelta', {
    message: 'Sending the last changes',
    task: 'finalDelta',
  });
  const isOnlyHope = choice.pointId === null;
  const final = yield* finalDelta(context, replication, { cycle, base, isOnlyHope });
  if (final.ok) {
    const point = yield* chosenPoint(context, replication, { choice, final: final.value });
    return { point, isFinalDeltaSent: true };
  }
  const kind = lossBehind(final.error);
  const isLost = kind !== null && kind !== 'changed';
  if (!isLost || choice.pointId === null) throw new StepFailure(final.error);
  // Azure was lost behind the shutdown. The older point that was chosen does not need what could not be sent.
  const { sealed } = yield* callActivity(context, 'readFailoverChoice', {
    ...wanted,
    isFinalDeltaPossible: false,
  });
  if (sealed === undefined) throw new StepFailure(final.error);
  return yield* sealedPoint(context, input, { sealed, source: kind });
}

type Final = Result<{ readonly base: Base; readonly statistics: CycleStatistics }>;

/**
 * A snapshot that somebody deletes is taken again: the machine is off, so a later one shows the same. As a cycle of its
 * own, because the disks of one point belong to one instant. So it is where Azure does not answer and nothing else was
 * chosen: the way back needs Azure as well.
 */
function* finalDelta(
  context: Context,
  replication: Input['replication'],
  { base, cycle, isOnlyHope }: Pick<Input, 'base' | 'cycle'> & { readonly isOnlyHope: boolean },
): Steps<Final> {
  for (let attempt = 0; ; attempt += 1) {
    const request = { base, cycle: cycle + attempt, kind: 'final' } as const;
    const final = yield* asResult(replicatePoint(context, replication, request));
    if (final.ok || attempt >= FINAL_DELTA_REPEATS) return final;
    const isAzureSilent = lossBehind(final.error) === 'unreachable';
    const isTakenAgain = final.error.code === 'FB-AZ-004' || (isAzureSilent && isOnlyHope);
    if (!isTakenAgain) return final;
    yield* refuseIfCancelled(context, replication.jobId);
    yield* enterPhase(context, replication, 'finalDelta', {
      message: `Sending the last changes again, from new snapshots: ${final.error.code} ${final.error.message}`,
      task: 'finalDelta',
    });
  }
}

/** What a cycle that broke off has left must not be in the way of the comparison. */
function* sealedPoint(
  context: Context,
  { replication, base }: Input,
  { sealed, source }: { readonly sealed: Sealed; readonly source: SourceState },
): Steps<LastPoint> {
  const { jobId, replicationId, site } = replication;
  const { pointId, takenAt, consistency, isNewest } = sealed;
  yield* runCommand(context, {
    jobId,
    step: 'discard-unsealed',
    agentId: site.masterTargetId,
    name: 'discardUnsealed',
    input: { replicationId },
    deadlineMs: DEADLINE_MS.siteChange,
  });
  if (!isNewest) {
    const point = yield* rewind(context, replication, pointId);
    return { point, isFinalDeltaSent: false };
  }
  // A repair reads the snapshots of the point.
  const snapshots = source === 'unreachable' ? null : base;
  return { point: { pointId, takenAt, consistency, snapshots }, isFinalDeltaSent: false };
}

/** The newest point, or the older one that the operator chose: the disks are then taken back to it. */
function* chosenPoint(
  context: Context,
  replication: Input['replication'],
  {
    choice,
    final,
  }: {
    readonly choice: { readonly pointId: string | null };
    readonly final: { readonly base: Base; readonly statistics: CycleStatistics };
  },
): Steps<PointToProve> {
  const { pointId: newest, takenAt, consistency } = final.statistics;
  const point = { pointId: newest, takenAt, consistency, snapshots: final.base };
  const { pointId } = choice;
  if (pointId === null || pointId === newest) return point;
  yield* enterPhase(context, replication, 'finalDelta', {
    message: 'Comparing the disks block by block before they are taken back to the chosen point',
  });
  const repairedBlocks = yield* mendNewest(context, replication, {
    newest: point,
    keepPointId: pointId,
  });
  return { ...(yield* rewind(context, replication, pointId)), repairedBlocks };
}

function* rewind(
  context: Context,
  { jobId, replicationId, site }: Input['replication'],
  pointId: string,
): Steps<PointToProve> {
  const rewound = yield* tryLongCommand(context, {
    jobId,
    step: 'rewind',
    agentId: site.masterTargetId,
    name: 'rewindToPoint',
    input: { replicationId, pointId },
    deadlineMs: DEADLINE_MS.seal,
  });
  const { takenAt, consistency } = unwrap(rewound);
  return { pointId, takenAt, consistency, snapshots: null };
}
