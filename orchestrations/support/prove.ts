import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import type { Base, Replication } from '../../shared/contracts/orchestrations.ts';
import type { DiskProof } from '../../shared/domain/job.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { MAX_REPAIRED_BLOCKS } from '../../shared/policy/limits.ts';
import { runCommand, tryLongCommand } from './run-command.ts';
import { sendDisks } from './send-disks.ts';
import { callActivity, type Context, StepFailure, type Steps, unwrap } from './steps.ts';

export interface PointToProve {
  readonly pointId: string;
  readonly takenAt: string;
  /** What it stays after a repair, which sends bytes of the same snapshots. */
  readonly consistency: CommandInput<'sealRecoveryPoint'>['consistency'];
  /** Snapshots in Azure that the point was made from; `null` when they are gone, and with them any repair. */
  readonly snapshots: Base | null;
  /** Blocks that were sent again before the disks were taken back to this point. */
  readonly repairedBlocks?: number;
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
  const { repairedBlocks = 0 } = point;
  const { pointId, verified, repaired } = yield* compare(context, replication, { point, part: '' });
  const proof: DiskProof = {
    pointId,
    blocksCompared: verified.blocksCompared,
    bytesCompared: verified.bytesCompared,
    comparedShare: verified.comparedShare,
    mismatches: 0,
    repairedBlocks: repairedBlocks + repaired,
  };
  yield* callActivity(context, 'recordReport', { jobId: replication.jobId, report: { proof } });
  return proof;
}

/**
 * Compares the newest point before the disks leave it for an older one, `keepPointId`: that has no snapshots any more,
 * so that a block that is wrong can be mended now or never. Returns how many blocks were.
 */
export function* mendNewest(
  context: Context,
  replication: Replication,
  { newest, keepPointId }: { readonly newest: PointToProve; readonly keepPointId: string },
): Steps<number> {
  const work = { point: newest, part: '-newest', keepPointId };
  return (yield* compare(context, replication, work)).repaired;
}

interface Comparison {
  readonly point: PointToProve;
  /** Tells the steps of one comparison from those of another. */
  readonly part: string;
  readonly keepPointId?: string;
}

interface Compared {
  readonly pointId: string;
  readonly verified: Verified;
  readonly repaired: number;
}

function* compare(
  context: Context,
  replication: Replication,
  comparison: Comparison,
): Steps<Compared> {
  const { point, part } = comparison;
  const { pointId } = point;
  const verified = yield* verify(context, replication, {
    pointId,
    step: `verify-disks${part}`,
    sampleShare: replication.options.proofShare,
  });
  const { mismatches } = verified;
  if (mismatches.length === 0) return { pointId, verified, repaired: 0 };
  const { sizes } = verified;
  return yield* repairAndVerify(context, replication, { ...comparison, mismatches, sizes });
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
  work: Comparison & Pick<Verified, 'mismatches' | 'sizes'>,
): Steps<Compared> {
  const { point, part, keepPointId, mismatches, sizes } = work;
  const { jobId, replicationId, site } = replication;
  const { snapshots } = point;
  const isRepairable = snapshots !== null && mismatches.length <= MAX_REPAIRED_BLOCKS;
  if (!isRepairable) throw unequal(replication, mismatches.length);
  const pointId = `${point.pointId}-repaired`;
  const repair = byDisk(mismatches);
  const request = {
    step: `repair${part}`,
    pointId,
    snapshots,
    sizes,
    base: {},
    repair,
    keepPointId,
  };
  yield* sendDisks(context, replication, request);
  const sealed = yield* tryLongCommand(context, {
    jobId,
    step: `seal-repair${part}`,
    agentId: site.masterTargetId,
    name: 'sealRecoveryPoint',
    input: {
      replicationId,
      pointId,
      diskIds: [...repair.keys()],
      takenAt: point.takenAt,
      consistency: point.consistency,
      ...(keepPointId === undefined ? {} : { keepPointId }),
    },
    deadlineMs: DEADLINE_MS.seal,
  });
  unwrap(sealed);
  // All of it, also after a sample: another sample might miss the block that was wrong.
  const step = `verify-repair${part}`;
  const verified = yield* verify(context, replication, { pointId, step, sampleShare: 1 });
  if (verified.mismatches.length > 0) throw unequal(replication, verified.mismatches.length);
  return { pointId, verified, repaired: mismatches.length };
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
