import {
  type FailbackInput,
  partInstanceId,
  type Replication,
  rehearsalReplicationId,
} from '../shared/contracts/orchestrations.ts';
import { type Result, success } from '../shared/errors/result.ts';
import { boot, proveDisks } from './support/boot.ts';
import { bindMasterTarget } from './support/choose-master-target.ts';
import { finish } from './support/finish.ts';
import { refuseIfCancelled } from './support/gate.ts';
import { enterPhase } from './support/phase.ts';
import { preflight, withNote } from './support/preflight.ts';
import { readyProcessServer } from './support/process-server.ts';
import { replicatePoint } from './support/recovery-point.ts';
import {
  asResult,
  callActivity,
  callOrchestration,
  type Context,
  type Steps,
} from './support/steps.ts';
import { openTarget } from './support/target.ts';

/** Test failback: a copy of the machine boots in isolation. Never touches the source, always cleans up. */
export function* rehearsalOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<FailbackInput>();
  const { jobId, itemId } = input;
  const replicationId = rehearsalReplicationId(itemId);
  const rehearsed = yield* asResult(rehearse(context, input, replicationId));
  const undo = {
    jobId,
    itemId,
    replicationId,
    isRehearsal: true,
    part: 'cleanup',
    ...(rehearsed.ok ? {} : { cause: rehearsed.error }),
  };
  const cleaned = yield* asResult(
    callOrchestration(context, 'rollback', undo, partInstanceId(jobId, 'cleanup')),
  );
  // Since the clean-up began no cancel is accepted: one that came before it is seen here at the latest.
  const obeyed = yield* asResult(refuseIfCancelled(context, jobId));
  const failed = [rehearsed, cleaned, obeyed].find(({ ok }) => !ok);
  const result = failed?.ok === false ? failed : success(null);
  yield* finish(context, input, result);
  return result;
}

function* rehearse(context: Context, input: FailbackInput, replicationId: string): Steps<null> {
  const { jobId, itemId, options } = input;
  const subject = { jobId, itemId, isRehearsal: true };
  yield* enterPhase(context, subject, 'preparing', {
    message: 'Checking that nothing stands in the way',
    state: 'running',
    task: 'preflight',
  });
  const placement = yield* bindMasterTarget(context, { jobId, itemId }, 'rehearsal');
  const site = yield* callActivity(context, 'bindSite', { jobId, itemId });
  const found = yield* preflight(context, input, {
    operation: 'rehearsal',
    replicationId,
    placement,
  });
  yield* refuseIfCancelled(context, jobId);
  yield* enterPhase(context, subject, 'preparing', {
    message: withNote('Preparing the process server in Azure', found),
    task: 'deployProcessServer',
  });
  const processServerId = yield* readyProcessServer(context, { jobId, itemId });
  yield* refuseIfCancelled(context, jobId);
  yield* enterPhase(context, subject, 'preparing', {
    message: 'Preparing a scratch VM on-premises',
    task: 'prepareTarget',
  });
  yield* openTarget(context, { ...subject, replicationId, site });

  yield* refuseIfCancelled(context, jobId);
  yield* enterPhase(context, subject, 'initialReplication', {
    message: 'Copying the disks',
    task: 'initialReplication',
  });
  const replication: Replication = { ...subject, replicationId, site, processServerId, options };
  const first = {
    cycle: 0,
    kind: 'initial',
    base: {},
    mode: options.replicationMode,
    isOneInstantWanted: true,
  } as const;
  const { base, statistics } = yield* replicatePoint(context, replication, first);

  yield* refuseIfCancelled(context, jobId);
  const { pointId, takenAt, consistency } = statistics;
  const point = { pointId, takenAt, consistency, snapshots: base };
  const proof = yield* proveDisks(context, replication, point);
  yield* refuseIfCancelled(context, jobId);
  const report = yield* boot(context, replication);
  yield* callActivity(context, 'recordReport', { jobId, report: { proof, ...report } });
  return null;
}
