import type { GrownDisk } from '../../shared/contracts/activities.ts';
import type { Replication } from '../../shared/contracts/orchestrations.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { runCommand, tryLongCommand } from './run-command.ts';
import { callActivity, type Context, type Steps } from './steps.ts';

interface Growth {
  readonly cycle: number;
  readonly grown: readonly GrownDisk[];
}

/**
 * Makes the disks at home as large as those in Azure, before anything of the larger ones is sent: the master target lets
 * go of them, they grow, and it opens them again with what it knew of them. The item gets the sizes last, so that a cycle
 * that was cut off finds them grown once more, and every step does nothing the second time.
 */
export function* growDisks(
  context: Context,
  { jobId, itemId, replicationId, site }: Replication,
  { cycle, grown }: Growth,
): Steps<void> {
  const common = { jobId, deadlineMs: DEADLINE_MS.siteChange } as const;
  const masterTarget = {
    ...common,
    agentId: site.masterTargetId,
    whenHeldUp: 'askAgainUnlessCancelled',
  } as const;
  yield* runCommand(context, {
    ...masterTarget,
    step: `let-go-${cycle}`,
    name: 'closeTarget',
    input: { replicationId, forget: false },
  });
  // Where there is no room it is asked for a week: in orchestrations of its own, so that this history stays short.
  const growing = {
    ...common,
    step: `grow-disks-${cycle}`,
    agentId: site.configurationServerId,
    name: 'growDisks',
    input: {
      replicationId,
      disks: grown.map(({ diskId, toBytes }) => ({ diskId, sizeBytes: toBytes })),
    },
    whenHeldUp: 'askAgainUnlessCancelled',
  } as const;
  const { disks } = yield* runCommand(context, growing, tryLongCommand);
  yield* runCommand(context, {
    ...masterTarget,
    step: `open-grown-${cycle}`,
    name: 'openTarget',
    input: { replicationId, disks },
  });
  yield* callActivity(context, 'recordGrowth', { jobId, itemId, grown });
}
