import type { SiteBinding } from '../../shared/contracts/activities.ts';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import type { FailbackInput } from '../../shared/contracts/orchestrations.ts';
import type { AzureVmFacts } from '../../shared/domain/azure-vm.ts';
import type { PreflightFacts } from '../../shared/domain/preflight/facts.ts';
import { blockingFindings, runPreflight } from '../../shared/domain/preflight/run.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { tryCommand } from './run-command.ts';
import { callActivity, type Context, StepFailure, type Steps } from './steps.ts';

/** Gathers the facts of Azure and of the site, then applies the rules. Throws when one stands in the way. */
export function* preflight(
  context: Context,
  { jobId, itemId }: FailbackInput,
  { site, replicationId }: { readonly site: SiteBinding; readonly replicationId: string },
): Steps<void> {
  const azureVm = yield* callActivity(context, 'gatherAzureFacts', { jobId, itemId });
  const described = yield* tryCommand(context, {
    jobId,
    step: 'describe-site',
    agentId: site.configurationServerId,
    name: 'describeSite',
    input: {
      vmName: site.item.target.vmName,
      ...(site.item.onPremisesVmId === null ? {} : { targetVmId: site.item.onPremisesVmId }),
    },
    deadlineMs: DEADLINE_MS.quickCommand,
  });
  const verified = yield* tryCommand(context, {
    jobId,
    step: 'verify-master-target',
    agentId: site.masterTargetId,
    name: 'verifyMasterTarget',
    input: { replicationId },
    deadlineMs: DEADLINE_MS.quickCommand,
  });
  refuseIfBlocked({
    origin: site.item.origin,
    osType: site.item.osType,
    azureVm,
    site: described.ok ? siteFacts(described.value) : null,
    masterTarget: verified.ok ? masterTargetFacts(verified.value) : null,
  });
}

function refuseIfBlocked(facts: PreflightFacts & { azureVm: AzureVmFacts }): void {
  const blocking = blockingFindings(runPreflight(facts));
  if (blocking.length === 0) return;
  const findings = blocking.map(({ error }) => `${error.code} ${error.message}`).join(' · ');
  throw new StepFailure(errorRecord('FB-PRE-002', { count: blocking.length, findings }));
}

function siteFacts(site: CommandOutput<'describeSite'>): NonNullable<PreflightFacts['site']> {
  return {
    hypervisor: site.hypervisor,
    isConnected: site.isConnected,
    targetSnapshotCount: site.originalVm?.snapshotCount ?? 0,
    freeBytes: site.freeBytes,
    hasOriginalVm: site.originalVm !== null,
  };
}

function masterTargetFacts(
  target: CommandOutput<'verifyMasterTarget'>,
): NonNullable<PreflightFacts['masterTarget']> {
  return {
    version: target.version,
    osType: target.osType,
    retentionFreeBytes: target.retentionVolume.freeBytes,
    isRetentionWritable: target.retentionVolume.isWritable,
    attachedDiskCount: target.attachedDiskCount,
  };
}
