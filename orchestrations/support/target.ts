import type { SiteBinding } from '../../shared/contracts/activities.ts';
import type { OriginalVmUse } from '../../shared/domain/job.ts';
import { originalVmIdOf } from '../../shared/domain/protected-item.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { runCommand } from './run-command.ts';
import { callActivity, type Context, type Steps } from './steps.ts';

interface TargetRequest {
  readonly jobId: string;
  readonly itemId: string;
  readonly replicationId: string;
  readonly isRehearsal: boolean;
  readonly site: SiteBinding;
  readonly originalVm?: OriginalVmUse | undefined;
}

/**
 * Stops the on-premises VM or creates it, and hands its disks to the master target.
 * Returns the sealed point the disks stand at, `null` when they were never sealed.
 */
export function* openTarget(context: Context, request: TargetRequest): Steps<string | null> {
  const { jobId, itemId, replicationId, isRehearsal, site, originalVm } = request;
  const { target } = site.item;
  const targetVmId = originalVmIdOf(site.item);
  const { datastore } = target;
  yield* forgetLeftovers(context, request);
  const prepared = yield* runCommand(context, {
    jobId,
    step: 'prepare-target',
    agentId: site.configurationServerId,
    name: 'prepareTarget',
    input: {
      replicationId,
      vm: site.vm,
      isRehearsal,
      masterTarget: site.masterTarget,
      ...(datastore === undefined ? {} : { datastore }),
      ...(targetVmId === null ? {} : { targetVmId }),
      ...(originalVm === undefined ? {} : { originalVm }),
    },
    // The disks of a rehearsal may begin as copies, which take as long as they are large.
    deadlineMs: isRehearsal ? DEADLINE_MS.transfer : DEADLINE_MS.siteChange,
    whenHeldUp: 'askAgainUnlessCancelled',
  });
  if (!isRehearsal) {
    yield* callActivity(context, 'recordTarget', { jobId, itemId, vmId: prepared.vmId });
  }
  const sizes = new Map(site.vm.disks.map((disk) => [disk.id, disk.sizeBytes]));
  const opened = yield* runCommand(context, {
    jobId,
    step: 'open-target',
    agentId: site.masterTargetId,
    name: 'openTarget',
    input: {
      replicationId,
      disks: prepared.disks.map((disk) => ({ ...disk, sizeBytes: sizes.get(disk.diskId) ?? 0 })),
    },
    deadlineMs: DEADLINE_MS.siteChange,
  });
  return opened.sealedPointId;
}

/**
 * A way back that could not reach the master target has left its journal there: it would be applied to disks that
 * have changed since.
 */
function* forgetLeftovers(
  context: Context,
  { jobId, replicationId, site }: TargetRequest,
): Steps<void> {
  yield* runCommand(context, {
    jobId,
    step: 'forget-leftovers',
    agentId: site.masterTargetId,
    name: 'closeTarget',
    input: { replicationId, forget: true },
    deadlineMs: DEADLINE_MS.siteChange,
  });
}
