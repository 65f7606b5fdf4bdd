import type { SiteBinding } from '../../shared/contracts/activities.ts';
import type { FailbackInput } from '../../shared/contracts/orchestrations.ts';
import type { Finding } from '../../shared/domain/preflight/rule.ts';
import { blockingFindings, runPreflight } from '../../shared/domain/preflight/run.ts';
import { summaryOf } from '../../shared/domain/preflight/summary.ts';
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

/**
 * Gathers the facts of Azure and of the site, then applies the rules. Throws when one stands in the way;
 * answers what else there is to say, as one clause for the job's history, or `''`.
 */
export function* preflight(
  context: Context,
  { jobId, itemId }: FailbackInput,
  { site, replicationId }: { readonly site: SiteBinding; readonly replicationId: string },
): Steps<string> {
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
  const findings = runPreflight({
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
  refuseIfBlocked(findings);
  return summaryOf(findings);
}

/** A line of the job's history, with what preflight had to say behind it. */
export function withNote(message: string, note: string): string {
  return note === '' ? message : `${message} (${note})`;
}

function refuseIfBlocked(findings: readonly Finding[]): void {
  const blocking = blockingFindings(findings);
  if (blocking.length === 0) return;
  const texts = blocking.map(({ error }) => `${error.code} ${error.message}`).join(' · ');
  throw new StepFailure(errorRecord('FB-PRE-002', { count: blocking.length, findings: texts }));
}
