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
}

export interface ReverseFigures {
  readonly comparedBytes: number;
  readonly changedBytes: number;
}

/** One delta from the running on-premises VM into its replica in Azure. Only what differs travels. */
export function* replicateToAzureOnce(context: Context, run: ReverseRun): Steps<ReverseFigures> {
  const { jobId, itemId, point, site } = run;
  const onSite = { jobId, agentId: site.configurationServerId, deadlineMs: DEADLINE_MS.siteChange };
  const input = { replicationId: itemId, pointId: point };
  const { disks, takenAt } = yield* runCommand(context, {
    ...onSite,
    step: `${point}-open`,
    name: 'openReverseSource',
    input,
  });
  const sizes = new Map(site.vm.disks.map((disk) => [disk.id, disk.sizeBytes]));
  const parts = disks.map((disk) => ({ ...disk, sizeBytes: sizes.get(disk.diskId) ?? 0 }));
  const sent = yield* asResult(sendBack(context, run, parts));
  const closed = yield* tryCommand(context, {
    ...onSite,
    step: `${point}-close`,
    name: 'closeReverseSource',
    input,
  });
  // What broke first is what people have to know; a failing close often only follows from it.
  const figures = unwrap(sent);
  unwrap(closed);
  yield* callActivity(context, 'sealReplica', { jobId, itemId, pointId: point, takenAt });
  return figures;
}

type ReverseDisk = Pick<CommandInput<'replicateToAzure'>, 'diskId' | 'device' | 'sizeBytes'>;

/** Disk after disk: they share the line, and the running VM's storage. */
function* sendBack(
  context: Context,
  { jobId, itemId, point, site }: ReverseRun,
  disks: readonly ReverseDisk[],
): Steps<ReverseFigures> {
  let figures: ReverseFigures = { comparedBytes: 0, changedBytes: 0 };
  for (const disk of disks) {
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
