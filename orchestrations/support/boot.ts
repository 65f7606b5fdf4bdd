import type { Replication } from '../../shared/contracts/orchestrations.ts';
import type { FailbackReport } from '../../shared/domain/job.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { runCommand } from './run-command.ts';
import { callActivity, type Context, StepFailure, type Steps } from './steps.ts';

/** Proves the disks, hands them to the VM, fixes the guest, starts it and waits for a sign of life. */
export function* proveAndBoot(
  context: Context,
  replication: Replication,
  point: string,
): Steps<FailbackReport> {
  const proof = yield* prove(context, replication, point);
  const { jobId, replicationId, site, options } = replication;
  const onSite = { jobId, agentId: site.configurationServerId, deadlineMs: DEADLINE_MS.siteChange };
  const input = { replicationId };
  yield* runCommand(context, {
    jobId,
    step: 'close-target',
    agentId: site.masterTargetId,
    name: 'closeTarget',
    input: { replicationId, forget: false },
    deadlineMs: DEADLINE_MS.siteChange,
  });
  yield* runCommand(context, { ...onSite, step: 'attach-disks', name: 'attachDisks', input });
  const { fixups } = yield* runCommand(context, {
    ...onSite,
    step: 'fix-guest',
    name: 'fixGuest',
    input,
  });
  yield* runCommand(context, { ...onSite, step: 'start-vm', name: 'startVm', input });
  const boot = yield* runCommand(context, {
    ...onSite,
    step: 'verify-boot',
    name: 'verifyBoot',
    input: { replicationId, timeoutSeconds: options.bootTimeoutSeconds },
    deadlineMs: DEADLINE_MS.siteChange + options.bootTimeoutSeconds * 1000,
  });
  return {
    proof,
    fixups,
    bootedAt: boot.bootedAt,
    bootEvidence: boot.evidence,
    isBootSimulated: boot.isBootSimulated,
  };
}

/** Nothing boots before every block of the target was read back and found equal to the source. */
function* prove(
  context: Context,
  { jobId, replicationId, site }: Replication,
  point: string,
): Steps<NonNullable<FailbackReport['proof']>> {
  const verified = yield* runCommand(context, {
    jobId,
    step: 'verify-disks',
    agentId: site.masterTargetId,
    name: 'verifyDisks',
    input: { replicationId, pointId: point },
    deadlineMs: DEADLINE_MS.verify,
  });
  const mismatches = verified.mismatches.length;
  if (mismatches > 0) {
    const vmName = site.item.target.vmName;
    throw new StepFailure(errorRecord('FB-ORC-006', { mismatches, vmName }));
  }
  const proof = {
    pointId: point,
    blocksCompared: verified.blocksCompared,
    bytesCompared: verified.bytesCompared,
    mismatches,
  };
  yield* callActivity(context, 'recordReport', { jobId, report: { proof } });
  return proof;
}
