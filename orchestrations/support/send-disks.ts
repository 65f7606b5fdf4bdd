import type { Task } from 'durable-functions';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import {
  type Base,
  commandId,
  partInstanceId,
  type Replication,
} from '../../shared/contracts/orchestrations.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import type { Result } from '../../shared/errors/result.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { type Context, reasonOf, StepFailure, type Steps, unwrap } from './steps.ts';

export type Sent = CommandOutput<'replicateDisk'>;
type Input = CommandInput<'replicateDisk'>;

export interface SendRequest {
  /** Unique within the job. */
  readonly step: string;
  readonly pointId: string;
  readonly snapshots: Base;
  /** Bytes by disk, as they are by now: disks may have grown since the site was bound. Absent = they have not. */
  readonly sizes?: Readonly<Record<string, number>> | undefined;
  readonly base: Base;
  readonly mode?: Input['mode'];
  /** Only these stretches, by disk; disks without any are not sent. Absent = what the mode says. */
  readonly repair?: ReadonlyMap<string, NonNullable<Input['repair']>>;
  readonly keepPointId?: string | undefined;
}

/** Disks side by side; each is an orchestration of its own because its wait has many steps. */
export function* sendDisks(
  context: Context,
  replication: Replication,
  request: SendRequest,
): Steps<readonly Sent[]> {
  const { jobId, replicationId, site, processServerId } = replication;
  const { pointId, snapshots, sizes = {}, base, mode, repair, keepPointId } = request;
  const disks = site.vm.disks.filter(({ id }) => repair === undefined || repair.has(id));
  const transfers = disks.map((disk) => {
    const step = `${request.step}-${disk.id}`;
    const baseSnapshotName = base[disk.id];
    const ranges = repair?.get(disk.id);
    const input: Input = {
      replicationId,
      pointId,
      diskId: disk.id,
      sizeBytes: sizes[disk.id] ?? disk.sizeBytes,
      snapshotName: snapshots[disk.id] ?? '',
      ...(baseSnapshotName === undefined ? {} : { baseSnapshotName }),
      ...(mode === undefined ? {} : { mode }),
      ...(ranges === undefined ? {} : { repair: ranges }),
      masterTarget: site.masterTargetAddress,
      ...(keepPointId === undefined ? {} : { keepPointId }),
    };
    const command = {
      commandId: commandId(jobId, step),
      agentId: processServerId,
      name: 'replicateDisk',
      input,
      deadlineMs: DEADLINE_MS.transfer,
    };
    return context.df.callSubOrchestrator('command', command, partInstanceId(jobId, step));
  });
  const results = yield* all(context, transfers);
  throwFirstFailure(results);
  return results.map((result) => unwrap(result));
}

/** A transfer that was ended from outside is a failure like any other: what was begun has to be undone. */
function* all(context: Context, transfers: readonly Task[]): Steps<readonly Result<Sent>[]> {
  try {
    return (yield context.df.Task.all([...transfers])) as readonly Result<Sent>[];
  } catch (error) {
    const reason = reasonOf(error);
    throw new StepFailure(errorRecord('FB-ORC-002', { orchestration: 'command', reason }));
  }
}

/** When one disk fails, the others are broken off: what counts is the failure that came by itself. */
function throwFirstFailure(results: readonly Result<Sent>[]): void {
  const errors = results.flatMap((result) => (result.ok ? [] : [result.error]));
  const cause = errors.find(({ code }) => code !== 'FB-DATA-008') ?? errors[0];
  if (cause !== undefined) throw new StepFailure(cause);
}
