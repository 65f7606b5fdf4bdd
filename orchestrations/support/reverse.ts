import type { SiteBinding } from '../../shared/contracts/activities.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { runCommand } from './run-command.ts';
import { callActivity, type Context, type Steps } from './steps.ts';

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
  let figures: ReverseFigures = { comparedBytes: 0, changedBytes: 0 };
  try {
    for (const { diskId, device } of disks) {
      const sent = yield* runCommand(context, {
        jobId,
        step: `${point}-send-${diskId}`,
        agentId: site.masterTargetId,
        name: 'replicateToAzure',
        input: {
          ...input,
          diskId,
          device,
          sizeBytes: sizes.get(diskId) ?? 0,
          replicaBlobName: `${itemId}/${diskId}.vhd`,
        },
        deadlineMs: DEADLINE_MS.transfer,
      });
      figures = {
        comparedBytes: figures.comparedBytes + sent.comparedBytes,
        changedBytes: figures.changedBytes + sent.changedBytes,
      };
    }
  } finally {
    yield* runCommand(context, {
      ...onSite,
      step: `${point}-close`,
      name: 'closeReverseSource',
      input,
    });
  }
  yield* callActivity(context, 'sealReplica', { jobId, itemId, pointId: point, takenAt });
  return figures;
}
