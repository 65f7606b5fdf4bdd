import type { SiteBinding } from '../../shared/contracts/activities.ts';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { commandId, partInstanceId } from '../../shared/contracts/orchestrations.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { runCommand, tryCommand } from './run-command.ts';
import {
  asResult,
  callActivity,
  callOrchestration,
  type Context,
  type Steps,
  unwrap,
} from './steps.ts';

interface ReverseRun {
  readonly jobId: string;
  readonly itemId: string;
  /** Distinguishes this delta from all others of the item. */
  readonly point: string;
  readonly site: SiteBinding;
  /** Before a disk is sent. Throws where it is not wanted any more. */
  readonly check?: () => Steps<void>;
}

export interface ReverseFigures {
  readonly comparedBytes: number;
  readonly changedBytes: number;
}

/** One delta from the running on-premises VM into its replica in Azure. Only what differs travels. */
export function* replicateToAzureOnce(context: Context, run: ReverseRun): Steps<ReverseFigures> {
  const { jobId, itemId, point, site } = run;
  // What was written meanwhile is put into the disks when an image is closed, also one that was left open.
  const onSite = {
    jobId,
    agentId: site.configurationServerId,
    deadlineMs: DEADLINE_MS.snapshotMerge,
  };
  const input = { replicationId: itemId, pointId: point };
  const sent = yield* asResult(sendImage(context, run, onSite));
  // Also one that was not opened whole: a snapshot that stays grows until the datastore is full.
  const closed = yield* tryCommand(context, {
    ...onSite,
    step: `${point}-close`,
    name: 'closeReverseSource',
    input,
  });
  // What broke first is what people have to know; a failing close often only follows from it.
  const { figures, takenAt } = unwrap(sent);
  unwrap(closed);
  yield* callActivity(context, 'sealReplica', { jobId, itemId, pointId: point, takenAt });
  return figures;
}

function* sendImage(
  context: Context,
  run: ReverseRun,
  onSite: { readonly jobId: string; readonly agentId: string; readonly deadlineMs: number },
): Steps<{ readonly figures: ReverseFigures; readonly takenAt: string }> {
  const { itemId, point, site } = run;
  const { disks, takenAt } = yield* runCommand(context, {
    ...onSite,
    step: `${point}-open`,
    name: 'openReverseSource',
    input: { replicationId: itemId, pointId: point },
  });
  const sizes = new Map(site.vm.disks.map((disk) => [disk.id, disk.sizeBytes]));
  const parts = disks.map((disk) => ({ ...disk, sizeBytes: sizes.get(disk.diskId) ?? 0 }));
  return { figures: yield* sendBack(context, run, parts), takenAt };
}

type ReverseDisk = Pick<CommandInput<'replicateToAzure'>, 'diskId' | 'device' | 'sizeBytes'>;

/** Disk after disk: they share the line, and the running VM's storage. */
function* sendBack(
  context: Context,
  { jobId, itemId, point, site, check }: ReverseRun,
  disks: readonly ReverseDisk[],
): Steps<ReverseFigures> {
  let figures: ReverseFigures = { comparedBytes: 0, changedBytes: 0 };
  for (const disk of disks) {
    if (check !== undefined) yield* check();
    const step = `${point}-send-${disk.diskId}`;
    const replicaBlobName = `${itemId}/${disk.diskId}.vhd`;
    const command = {
      commandId: commandId(jobId, step),
      agentId: site.masterTargetId,
      name: 'replicateToAzure' as const,
      input: { replicationId: itemId, pointId: point, ...disk, replicaBlobName },
      deadlineMs: DEADLINE_MS.transfer,
    };
    const instanceId = partInstanceId(jobId, step);
    const output = yield* callOrchestration(context, 'command', command, instanceId);
    const { comparedBytes, changedBytes } = output as CommandOutput<'replicateToAzure'>;
    figures = {
      comparedBytes: figures.comparedBytes + comparedBytes,
      changedBytes: figures.changedBytes + changedBytes,
    };
  }
  return figures;
}
