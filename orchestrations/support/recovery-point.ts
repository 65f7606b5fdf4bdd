import type { CommandOutput } from '../../shared/contracts/commands.ts';
import {
  type Base,
  commandId,
  partInstanceId,
  pointId,
  type Replication,
} from '../../shared/contracts/orchestrations.ts';
import type { CycleStatistics } from '../../shared/domain/job.ts';
import type { Result } from '../../shared/errors/result.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { runCommand } from './run-command.ts';
import { callActivity, type Context, type Steps, unwrap } from './steps.ts';

type Sent = CommandOutput<'replicateDisk'>;

interface PointRequest {
  readonly cycle: number;
  readonly kind: CycleStatistics['kind'];
  readonly base: Base;
}

/**
 * One recovery point: snapshots in Azure → every disk sent → sealed at the master target → recorded →
 * older snapshots removed. Only after the seal does the new snapshot become the base of the next delta.
 */
export function* replicatePoint(
  context: Context,
  replication: Replication,
  request: PointRequest,
): Steps<{ base: Base; statistics: CycleStatistics }> {
  const { jobId, itemId, replicationId, site, isRehearsal } = replication;
  const point = pointId(jobId, request.cycle);
  const startedAt = context.df.currentUtcDateTime.getTime();
  const { takenAt, snapshots } = yield* callActivity(context, 'takeSnapshots', {
    jobId,
    itemId,
    pointId: point,
  });
  const sent = yield* sendDisks(context, replication, { ...request, snapshots });
  yield* runCommand(context, {
    jobId,
    step: `seal-${request.cycle}`,
    agentId: site.masterTargetId,
    name: 'sealRecoveryPoint',
    input: {
      replicationId,
      pointId: point,
      diskIds: site.vm.disks.map((disk) => disk.id),
      takenAt,
      consistency: 'crashConsistent',
    },
    deadlineMs: DEADLINE_MS.seal,
  });
  const durationMs = context.df.currentUtcDateTime.getTime() - startedAt;
  const statistics = summarize(sent, {
    cycle: request.cycle,
    kind: request.kind,
    pointId: point,
    takenAt,
    durationMs,
  });
  yield* callActivity(context, 'recordCycle', {
    jobId,
    itemId,
    statistics,
    base: snapshots,
    isRehearsal,
  });
  yield* callActivity(context, 'pruneSnapshots', {
    jobId,
    itemId,
    keep: Object.values(snapshots),
  });
  return { base: snapshots, statistics };
}

/** All disks side by side; each is an orchestration of its own because its wait has many steps. */
function* sendDisks(
  context: Context,
  replication: Replication,
  { cycle, base, snapshots }: PointRequest & { readonly snapshots: Base },
): Steps<readonly Sent[]> {
  const { jobId, replicationId, site, processServerId } = replication;
  const transfers = site.vm.disks.map((disk) => {
    const step = `replicate-${cycle}-${disk.id}`;
    const baseSnapshotName = base[disk.id];
    const command = {
      commandId: commandId(jobId, step),
      agentId: processServerId,
      name: 'replicateDisk',
      input: {
        replicationId,
        pointId: pointId(jobId, cycle),
        diskId: disk.id,
        sizeBytes: disk.sizeBytes,
        snapshotName: snapshots[disk.id],
        ...(baseSnapshotName === undefined ? {} : { baseSnapshotName }),
        masterTarget: site.masterTargetAddress,
      },
      deadlineMs: DEADLINE_MS.transfer,
    };
    return context.df.callSubOrchestrator('command', command, partInstanceId(jobId, step));
  });
  const results = (yield context.df.Task.all(transfers)) as readonly Result<Sent>[];
  return results.map((result) => unwrap(result));
}

function summarize(
  sent: readonly Sent[],
  identity: Pick<CycleStatistics, 'cycle' | 'kind' | 'pointId' | 'takenAt' | 'durationMs'>,
): CycleStatistics {
  const sum = (pick: (disk: Sent) => number): number =>
    sent.reduce((total, disk) => total + pick(disk), 0);
  return {
    ...identity,
    changedBytes: sum((disk) => disk.changedBytes),
    zeroBytes: sum((disk) => disk.zeroBytes),
    sentBytes: sum((disk) => disk.sentBytes),
    wireBytes: sum((disk) => disk.wireBytes),
    reasons: [...new Set(sent.map((disk) => `${disk.mode}: ${disk.modeReason}`))],
  };
}
