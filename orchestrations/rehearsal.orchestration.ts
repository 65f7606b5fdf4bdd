import {
  type FailbackInput,
  partInstanceId,
  type Replication,
  rehearsalReplicationId,
} from '../shared/contracts/orchestrations.ts';
import { failure, type Result } from '../shared/errors/result.ts';
import { proveAndBoot } from './support/boot.ts';
import { finish } from './support/finish.ts';
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
  const undo = { jobId, itemId, replicationId, isRehearsal: true, part: 'cleanup' };
  const cleaned = yield* asResult(
    callOrchestration(context, 'rollback', undo, partInstanceId(jobId, 'cleanup')),
  );
  const result = rehearsed.ok && !cleaned.ok ? failure<null>(cleaned.error) : rehearsed;
  yield* finish(context, input, result);
  return result;
}

function* rehearse(context: Context, input: FailbackInput, replicationId: string): Steps<null> {
  const { jobId, itemId, options } = input;
  const subject = { jobId, itemId, isRehearsal: true };
  yield* enterPhase(context, subject, 'preparing', {
    message: 'Preparing a scratch VM on-premises',
    state: 'running',
  });
  const site = yield* callActivity(context, 'bindSite', { jobId, itemId });
  const found = yield* preflight(context, input, { operation: 'rehearsal', replicationId });
  const processServerId = yield* readyProcessServer(context, { jobId, itemId });
  yield* openTarget(context, { ...subject, replicationId, site });

  yield* enterPhase(context, subject, 'initialReplication', {
    message: withNote('Copying the disks', found),
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

  yield* enterPhase(context, subject, 'booting', { message: 'Booting the copy in isolation' });
  const { pointId, takenAt } = statistics;
  const report = yield* proveAndBoot(context, replication, { pointId, takenAt, snapshots: base });
  yield* callActivity(context, 'recordReport', { jobId, report });
  return null;
}
