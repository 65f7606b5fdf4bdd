import {
  type Base,
  type OrchestrationInput,
  replicationPart,
} from '../shared/contracts/orchestrations.ts';
import type { Result } from '../shared/errors/result.ts';
import type { CycleStatistics } from '../shared/domain/job.ts';
import { DEADLINE_MS } from '../shared/policy/deadlines.ts';
import { changePower } from './support/azure-power.ts';
import { bootOrDecide, proveDisks, withWarnings } from './support/boot.ts';
import { enterPhase } from './support/phase.ts';
import { mendNewest, type PointToProve } from './support/prove.ts';
import { tryLongCommand } from './support/run-command.ts';
import { replicatePoint } from './support/recovery-point.ts';
import { asResult, callActivity, type Context, type Steps, unwrap } from './support/steps.ts';

type Input = OrchestrationInput<'failover'>;

/** The downtime: stop in Azure, carry over the last changes, prove, boot on-premises. */
export function* failoverOrchestration(context: Context): Steps<Result<'heldBack' | null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(failover(context, input));
}

function* failover(context: Context, input: Input): Steps<'heldBack' | null> {
  const { replication, base, cycle, round = 1 } = input;
  const { jobId, itemId, site, options } = replication;
  // Before the phase in which going back would start the VM: it must not start one that was off.
  yield* callActivity(context, 'noteSourcePower', { jobId, itemId });
  const nextGate = replicationPart(round + 1);
  const judged = yield* callActivity(context, 'judgeFailover', { jobId, itemId, nextGate });
  if (judged.isHeldBack) return 'heldBack';
  yield* enterPhase(context, replication, 'shuttingDownSource', {
    message: 'Shutting down the Azure VM',
    state: 'running',
    task: 'shutDownSource',
  });
  const shutDownAt = context.df.currentUtcDateTime;
  const vm = { jobId, itemId, vmName: site.item.vmName };
  yield* changePower(context, vm, 'powerOff');

  const { point, isFinalDeltaSent } = yield* lastPoint(context, { replication, base, cycle });

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

/**
 * The point to boot. The newest that is sealed already needs no last delta: that is what it is chosen for. In
 * all other cases the last delta is sent, so that Azure and the site agree on what was there at the end.
 */
function* lastPoint(
  context: Context,
  { replication, base, cycle }: Input,
): Steps<{ readonly point: PointToProve; readonly isFinalDeltaSent: boolean }> {
  const { jobId, itemId } = replication;
  const choice = yield* callActivity(context, 'readFailoverChoice', { jobId, itemId });
  const { sealed } = choice;
  if (sealed !== undefined) {
    yield* enterPhase(context, replication, 'finalDelta', {
      message: 'Leaving out the last changes: the newest sealed recovery point was chosen',
    });
    return { point: { ...sealed, snapshots: base }, isFinalDeltaSent: false };
  }
  yield* enterPhase(context, replication, 'finalDelta', {
    message: 'Sending the last changes',
    task: 'finalDelta',
  });
  const final = yield* replicatePoint(context, replication, { cycle, kind: 'final', base });
  const point = yield* chosenPoint(context, replication, { choice, final });
  return { point, isFinalDeltaSent: true };
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
  const { pointId: newest, takenAt } = final.statistics;
  const { pointId } = choice;
  if (pointId === null || pointId === newest) {
    return { pointId: newest, takenAt, snapshots: final.base };
  }
  const { jobId, replicationId, site } = replication;
  yield* enterPhase(context, replication, 'finalDelta', {
    message: 'Comparing the disks block by block before they are taken back to the chosen point',
  });
  const repairedBlocks = yield* mendNewest(context, replication, {
    newest: { pointId: newest, takenAt, snapshots: final.base },
    keepPointId: pointId,
  });
  const rewound = yield* tryLongCommand(context, {
    jobId,
    step: 'rewind',
    agentId: site.masterTargetId,
    name: 'rewindToPoint',
    input: { replicationId, pointId },
    deadlineMs: DEADLINE_MS.seal,
  });
  return { pointId, takenAt: unwrap(rewound).takenAt, snapshots: null, repairedBlocks };
}
