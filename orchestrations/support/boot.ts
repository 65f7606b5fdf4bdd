import type { Replication } from '../../shared/contracts/orchestrations.ts';
import type { FailbackReport } from '../../shared/domain/job.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { type PointToProve, prove } from './prove.ts';
import { runCommand } from './run-command.ts';
import type { Context, Steps } from './steps.ts';

/** Proves the disks, hands them to the VM, fixes the guest, starts it and waits for a sign of life. */
export function* proveAndBoot(
  context: Context,
  replication: Replication,
  point: PointToProve,
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
