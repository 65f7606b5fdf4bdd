import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import type { Base, Replication } from '../../shared/contracts/orchestrations.ts';
import type { DiskProof } from '../../shared/domain/job.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { MAX_REPAIRED_BLOCKS } from '../../shared/policy/limits.ts';
import { runCommand } from './run-command.ts';
import { sendDisks } from './send-disks.ts';
import { callActivity, type Context, StepFailure, type Steps } from './steps.ts';

export interface PointToProve {
  readonly pointId: string;
  readonly takenAt: string;
  /** Snapshots in Azure that the point was made from; `null` when they are gone, and with them any repair. */
  readonly snapshots: Base | null;
}

type Verified = CommandOutput<'verifyDisks'>;
type Ranges = NonNullable<CommandInput<'replicateDisk'>['repair']>;

/**
 * Nothing boots before blocks of the target were read back and found equal to the source. Blocks that
 * differ are sent again, once; what differs then is a fault of the storage, and nothing boots.
 */
export function* prove(
  context: Context,
  replication: Replication,
  point: PointToProve,
): Steps<DiskProof> {
  const { jobId } = replication;
  const first = yield* verify(context, replication, {
    pointId: point.pointId,
    step: 'verify-disks',
    sampleShare: replication.options.proofShare,
  });
  const repaired = first.mismatches.length;
  const { pointId, verified } =
    repaired === 0
      ? { pointId: point.pointId, verified: first }
      : yield* repairAndVerify(context, replication, { point, mismatches: first.mismatches });
  const proof: DiskProof = {
    pointId,
    blocksCompared: verified.blocksCompared,
    bytesCompared: verified.bytesCompared,
    comparedShare: verified.comparedShare,
    mismatches: 0,
    repairedBlocks: repaired,
  };
  yield* callActivity(context, 'recordReport', { jobId, report: { proof } });
  return proof;
}

function* verify(
  context: Context,
  { jobId, replicationId, site }: Replication,
  { pointId, step, sampleShare }: { pointId: string; step: string; sampleShare: number },
): Steps<Verified> {
  return yield* runCommand(context, {
    jobId,
    step,
    agentId: site.masterTargetId,
    name: 'verifyDisks',
    input: { replicationId, pointId, sampleShare },
    deadlineMs: DEADLINE_MS.verify,
  });
}

function* repairAndVerify(
  context: Context,
  replication: Replication,
  work: { readonly point: PointToProve; readonly mismatches: Verified['mismatches'] },
): Steps<{ pointId: string; verified: Verified }> {
  const { point, mismatches } = work;
  const { jobId, replicationId, site } = replication;
  const { snapshots } = point;
  const isRepairable = snapshots !== null && mismatches.length <= MAX_REPAIRED_BLOCKS;
  if (!isRepairable) throw unequal(replication, mismatches.length);
  const pointId = `${point.pointId}-repaired`;
  const repair = byDisk(mismatches);
  const request = { step: 'repair', pointId, snapshots, base: {}, repair };
  yield* sendDisks(context, replication, request);
  yield* runCommand(context, {
    jobId,
    step: 'seal-repair',
    agentId: site.masterTargetId,
    name: 'sealRecoveryPoint',
    input: {
      replicationId,
      pointId,
      diskIds: [...repair.keys()],
      takenAt: point.takenAt,
      consistency: 'crashConsistent',
    },
    deadlineMs: DEADLINE_MS.seal,
  });
  // All of it, also after a sample: another sample might miss the block that was wrong.
  const step = 'verify-repair';
  const verified = yield* verify(context, replication, { pointId, step, sampleShare: 1 });
  if (verified.mismatches.length > 0) throw unequal(replication, verified.mismatches.length);
  return { pointId, verified };
}

function byDisk(mismatches: Verified['mismatches']): ReadonlyMap<string, Ranges> {
  const ranges = new Map<string, Ranges>();
  for (const { diskId, offset, length } of mismatches) {
    ranges.set(diskId, [...(ranges.get(diskId) ?? []), { offset, length }]);
  }
  return ranges;
}

function unequal({ site }: Replication, mismatches: number): StepFailure {
  const vmName = site.item.target.vmName;
  return new StepFailure(errorRecord('FB-ORC-006', { mismatches, vmName }));
}
