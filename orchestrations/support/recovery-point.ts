import type { ActivityOutput } from '../../shared/contracts/activities.ts';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import { type Base, pointId, type Replication } from '../../shared/contracts/orchestrations.ts';
import type { CycleStatistics } from '../../shared/domain/job.ts';
import type { ReplicationMode } from '../../shared/contracts/commands.ts';
import type { ErrorCode } from '../../shared/errors/catalogue.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { growDisks } from './grow-disks.ts';
import { tryLongCommand } from './run-command.ts';
import { type SendRequest, type Sent, sendDisks } from './send-disks.ts';
import { asResult, callActivity, type Context, type Steps, unwrap } from './steps.ts';

type Taken = ActivityOutput<'takeSnapshots'>;
type Sealed = CommandOutput<'sealRecoveryPoint'>;

interface PointRequest {
  readonly cycle: number;
  readonly kind: CycleStatistics['kind'];
  readonly base: Base;
  /** Asked for by the operator; absent = the planner chooses. */
  readonly mode?: ReplicationMode | undefined;
  readonly consistency?: Taken['consistency'];
  /** Common to what a replication group takes at this instant. */
  readonly groupPointId?: string | undefined;
  /** No delta follows: all disks at one instant, where Azure can. */
  readonly isOneInstantWanted?: boolean;
}

/**
 * One recovery point: snapshots in Azure → every disk sent → sealed at the master target → recorded →
 * older snapshots removed. Only after the seal does the new snapshot become the base of the next delta. Behind the last
 * point nothing is removed: that would be downtime, and the commit and the way back do it.
 */
export function* replicatePoint(
  context: Context,
  replication: Replication,
  request: PointRequest,
): Steps<{ base: Base; statistics: CycleStatistics }> {
  const { jobId, itemId, isRehearsal } = replication;
  const point = pointId(jobId, request.cycle);
  const startedAt = context.df.currentUtcDateTime.getTime();
  const taken = yield* callActivity(context, 'takeSnapshots', {
    jobId,
    itemId,
    pointId: point,
    consistency: request.consistency ?? 'crashConsistent',
    isOneInstantWanted: request.isOneInstantWanted ?? false,
  });
  // A rehearsal is of the machine as it was recorded: a disk that grew since is refused where it is read.
  const { grown } = taken;
  if (grown !== undefined && !isRehearsal) {
    yield* growDisks(context, replication, { cycle: request.cycle, grown });
  }
  const { sent, sealed } = yield* sendAndSeal(context, replication, { ...request, taken });
  const durationMs = context.df.currentUtcDateTime.getTime() - startedAt;
  const statistics: CycleStatistics = {
    cycle: request.cycle,
    kind: request.kind,
    pointId: point,
    takenAt: taken.takenAt,
    consistency: taken.consistency,
    ...marksOf(request, taken),
    durationMs,
    ...summarize(sent),
    reasons: [...reasonsOf(sent), ...taken.reasons],
  };
  yield* callActivity(context, 'recordCycle', {
    jobId,
    itemId,
    statistics,
    base: taken.snapshots,
    retainedPointIds: sealed.retainedPointIds,
    isRehearsal,
  });
  if (request.kind !== 'final') yield* removeOlder(context, replication, { point, taken });
  return { base: taken.snapshots, statistics };
}

/** The point is sealed and recorded: whatever becomes of this, nothing fails because of it. */
function* removeOlder(
  context: Context,
  { jobId, itemId }: Replication,
  { point, taken }: { readonly point: string; readonly taken: Taken },
): Steps<void> {
  const keep = Object.values(taken.snapshots);
  const pruned = yield* asResult(callActivity(context, 'pruneSnapshots', { jobId, itemId, keep }));
  if (pruned.ok) return;
  const note = { jobId, itemId, pointId: point, error: pruned.error };
  yield* asResult(callActivity(context, 'noteLeftSnapshots', note));
}

/** What the point's record says besides: why it is less than was asked for, and whose common point it is. */
function marksOf(
  { consistency: asked, groupPointId }: PointRequest,
  { consistency: got, reasons }: Taken,
): Pick<CycleStatistics, 'consistencyReason' | 'groupPointId'> {
  const isLess = asked === 'applicationConsistent' && got !== asked;
  return {
    ...(isLess ? { consistencyReason: reasons.join('; ') || 'Azure did not say why' } : {}),
    ...(groupPointId === undefined ? {} : { groupPointId }),
  };
}

type SealRequest = PointRequest & { readonly taken: Taken };

function* sendAndSeal(
  context: Context,
  replication: Replication,
  request: SealRequest,
): Steps<{ sent: readonly Sent[]; sealed: Sealed }> {
  const { cycle, base, mode, taken } = request;
  const point = pointId(replication.jobId, cycle);
  const first = {
    pointId: point,
    snapshots: taken.snapshots,
    base,
    ...(yield* presentState(context, replication)),
    step: `replicate-${cycle}`,
    ...(mode === undefined ? {} : { mode }),
  };
  const sent = yield* sendDisks(context, replication, first);
  const keepPointId = yield* keptPoint(context, replication, point);
  const sealing = { point, taken, keepPointId };
  const sealed = yield* seal(context, replication, { ...sealing, step: `seal-${cycle}` });
  const again = sealed.ok ? undefined : SENT_AGAIN[sealed.error.code];
  if (again === undefined) return { sent, sealed: unwrap(sealed) };
  const { step, ...how } = again;
  const resent = yield* sendDisks(context, replication, {
    ...first,
    ...how,
    step: `${step}-${cycle}`,
  });
  const second = yield* seal(context, replication, { ...sealing, step: `seal-${step}-${cycle}` });
  return { sent: resent, sealed: unwrap(second) };
}

interface SentAgain {
  readonly step: string;
  readonly mode?: ReplicationMode;
}

/** What a second transfer of the same snapshots mends, once: why a point could not be sealed. */
const SENT_AGAIN: Partial<Record<ErrorCode, SentAgain>> = {
  // What was received is damaged, or not there any more: the master target has thrown it away.
  'FB-JRN-002': { step: 'resent' },
  // Somebody else wrote to the disk on-premises: no delta fits on it, but a comparison mends it.
  'FB-JRN-008': { step: 'compared', mode: 'checksum' },
};

/**
 * How large the disks are by now, and the older point that must not go to make room for what is sent: known so far, it
 * may still be another one. A rehearsal has disks of its own, and one point.
 */
function* presentState(
  context: Context,
  { itemId, isRehearsal }: Replication,
): Steps<Pick<SendRequest, 'sizes' | 'keepPointId'>> {
  if (isRehearsal) return {};
  const item = yield* callActivity(context, 'readItem', { itemId });
  const sizes = item?.disks.map(({ id, sizeBytes }) => [id, sizeBytes] as const) ?? [];
  return { sizes: Object.fromEntries(sizes), keepPointId: item?.pinnedPointId };
}

/** The older point that somebody goes back to. As late as can be: it may be chosen while the disks travel. */
function* keptPoint(
  context: Context,
  { jobId, itemId, isRehearsal }: Replication,
  point: string,
): Steps<string | null> {
  // A rehearsal has a journal of its own, with one point.
  if (isRehearsal) return null;
  return (yield* callActivity(context, 'beginSeal', { jobId, itemId, pointId: point })).keepPointId;
}

interface Sealing {
  readonly point: string;
  readonly taken: Taken;
  readonly keepPointId: string | null;
  readonly step: string;
}

function* seal(
  context: Context,
  { jobId, replicationId, site }: Replication,
  { point, taken, keepPointId, step }: Sealing,
): ReturnType<typeof tryLongCommand<'sealRecoveryPoint'>> {
  return yield* tryLongCommand(context, {
    jobId,
    step,
    agentId: site.masterTargetId,
    name: 'sealRecoveryPoint',
    input: {
      replicationId,
      pointId: point,
      diskIds: site.vm.disks.map((disk) => disk.id),
      takenAt: taken.takenAt,
      consistency: taken.consistency,
      ...(keepPointId === null ? {} : { keepPointId }),
    },
    deadlineMs: DEADLINE_MS.seal,
  });
}

function summarize(
  sent: readonly Sent[],
): Pick<CycleStatistics, 'changedBytes' | 'zeroBytes' | 'readBytes' | 'sentBytes' | 'wireBytes'> {
  const sum = (pick: (disk: Sent) => number): number =>
    sent.reduce((total, disk) => total + pick(disk), 0);
  return {
    changedBytes: sum((disk) => disk.changedBytes),
    zeroBytes: sum((disk) => disk.zeroBytes),
    readBytes: sum((disk) => disk.readBytes),
    sentBytes: sum((disk) => disk.sentBytes),
    wireBytes: sum((disk) => disk.wireBytes),
  };
}

function reasonsOf(sent: readonly Sent[]): readonly string[] {
  return [...new Set(sent.map((disk) => `${disk.mode}: ${disk.modeReason}`))];
}
