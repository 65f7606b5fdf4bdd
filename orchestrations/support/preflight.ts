import type { SiteBinding } from '../../shared/contracts/activities.ts';
import type { FailbackInput } from '../../shared/contracts/orchestrations.ts';
import type { PreflightFacts } from '../../shared/domain/preflight/facts.ts';
import { blockingFindings, runPreflight } from '../../shared/domain/preflight/run.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import {
  azureVmSection,
  locationSection,
  masterTargetSection,
  NOT_GATHERED,
  protectionSection,
  siteSection,
} from './preflight-facts.ts';
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
    protection: protectionSection(site.item),
    azureVm: azureVmSection(azureVm),
    azureNetwork: null,
    processServer: null,
    configurationServer: null,
    site: described.ok ? siteSection(described.value) : null,
    location: described.ok ? locationSection(described.value) : null,
    masterTarget: verified.ok
      ? masterTargetSection(verified.value, described.ok ? described.value : null)
      : null,
    notGathered: NOT_GATHERED,
  });
}

function refuseIfBlocked(facts: PreflightFacts): void {
  const blocking = blockingFindings(runPreflight(facts));
  if (blocking.length === 0) return;
  const findings = blocking.map(({ error }) => `${error.code} ${error.message}`).join(' · ');
  throw new StepFailure(errorRecord('FB-PRE-002', { count: blocking.length, findings }));
}
