import type { ActivityOutput } from '../shared/contracts/activities.ts';
import type { OrchestrationInput } from '../shared/contracts/orchestrations.ts';
import { SOURCE_IS_DOWN } from '../shared/domain/phases.ts';
import {
  masterTargetOf,
  type ProtectedItem,
  resolveRecoveryPoint,
} from '../shared/domain/protected-item.ts';
import { lossBehind, type SourceSight } from '../shared/domain/source-state.ts';
import { errorRecord } from '../shared/errors/failback-error.ts';
import type { Result } from '../shared/errors/result.ts';
import { DEADLINE_MS, POLL_MS } from '../shared/policy/deadlines.ts';
import { changePower } from './support/azure-power.ts';
import { enterPhase } from './support/phase.ts';
import { runCommand } from './support/run-command.ts';
import { lookAtSource } from './support/source.ts';
import {
  asResult,
  callActivity,
  type Context,
  later,
  sleep,
  StepFailure,
  type Steps,
} from './support/steps.ts';

type Input = OrchestrationInput<'rollback'>;
type SiteAgents = ActivityOutput<'findSiteAgents'>;

interface Undo {
  readonly step: string;
  readonly outcome: string;
  /** Without it nobody may say that the machine is back. */
  readonly isEssential: boolean;
  readonly isDone: boolean;
}

/** Back to "runs in Azure", from wherever the failback or rehearsal stands. */
export function* rollbackOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(rollback(context, input));
}

function* rollback(context: Context, input: Input): Steps<null> {
  const { jobId, itemId, isRehearsal } = input;
  const item = yield* callActivity(context, 'readItem', { itemId });
  // Nothing was begun, so there is nothing to undo.
  if (!isRehearsal && item?.phase === 'failedOver') return null;
  const mustStartSource = !isRehearsal && item !== null && isSourceDownByUs(item);
  yield* enterPhase(context, input, 'rollingBack', {
    message: openingMessage(input),
    state: 'running',
    task: 'rollBack',
    ...(input.cause === undefined ? {} : { error: input.cause }),
  });
  const undo: Undo[] = [];
  if (item === null || masterTargetOf(item) === null) return yield* goneBack(context, input, undo);
  if (!isRehearsal && item.isSiteUntouched === true) {
    const retire = callActivity(context, 'retireProcessServer', { jobId, itemId });
    yield* attempt({ undo }, 'retire the process server', retire);
    yield* report(context, jobId, undo);
    return yield* goneBack(context, input, undo);
  }
  const azure = { input, vmName: item.vmName, undo };
  const parts = yield* switchMachines(context, azure, { item, mustStartSource });
  const kept = yield* cleanUp(context, parts, item);
  yield* report(context, jobId, undo);
  refuseIfIncomplete(undo, item.vmName);
  return yield* goneBack(context, input, undo, kept);
}

/** On-premises off, Azure on. Whatever else there is to undo waits until the machine runs again. */
function* switchMachines(
  context: Context,
  azure: AzureParts,
  { item, mustStartSource }: { readonly item: ProtectedItem; readonly mustStartSource: boolean },
): Steps<Parts> {
  const isEarly = mustStartSource && isNothingStartedAtHome(item);
  if (isEarly) yield* startSourceFirst(context, azure);
  const { configurationServerId } = yield* bindPatiently(context, azure.input);
  const parts = { ...azure, configurationServerId };
  const isOff = yield* stopOnPremises(context, parts);
  if (mustStartSource && !isEarly) yield* startSource(context, azure, isOff);
  return parts;
}

/** Why the last copies of the machine were kept; `null` = Azure has it whole, and nothing is left of the failback. */
function* cleanUp(context: Context, parts: Parts, item: ProtectedItem): Steps<SourceSight | null> {
  const { jobId, itemId, isRehearsal } = parts.input;
  const source = yield* lookAtSource(context, { jobId, itemId }, 'readSource');
  const kept = source.state === 'there' ? null : source;
  if (kept === null || isRehearsal) yield* restoreSite(context, parts);
  else yield* keepCopies(context, parts, { item, source });
  yield* cleanAzure(context, parts, kept);
  return kept;
}

function* report(context: Context, jobId: string, undo: readonly Undo[]): Steps<void> {
  const shown = { undo: undo.map(({ step, outcome }) => ({ step, outcome })) };
  yield* callActivity(context, 'recordReport', { jobId, report: shown });
}

/** Before a master target was chosen nothing was touched anywhere. */
function* goneBack(
  context: Context,
  input: Input,
  undo: readonly Undo[],
  kept: SourceSight | null = null,
): Steps<null> {
  const isKept = kept !== null && !input.isRehearsal;
  const message = isKept ? keptMessage(kept) : closingMessage(undo, input.isRehearsal);
  yield* enterPhase(context, input, 'failedOver', { message });
  return null;
}

/**
 * A VM that was off already when the failback came to its shutdown stays off, and so does one that the failback had
 * not come to when an earlier way back began: nobody noted anything then.
 */
function isSourceDownByUs({ phase, wasSourceRunning }: ProtectedItem): boolean {
  if (phase === 'rollingBack') return wasSourceRunning === true;
  return SOURCE_IS_DOWN.includes(phase) && wasSourceRunning !== false;
}

/**
 * Between the shutdown in Azure and the boot no start was ever sent to the site, where the VM has been off since its
 * disks went to the master target. The machine runs nowhere: it need not wait for the site to say so.
 */
function isNothingStartedAtHome({ phase, rollingBackFrom }: ProtectedItem): boolean {
  const from = phase === 'rollingBack' ? rollingBackFrom : phase;
  return from === 'shuttingDownSource' || from === 'finalDelta';
}

/** Shown at once: the site may stay away for longer than the way back waits. */
function* startSourceFirst(context: Context, parts: AzureParts): Steps<void> {
  yield* startSource(context, parts, true);
  yield* report(context, parts.input.jobId, parts.undo);
}

/** It may just be down: nobody but it can say that the on-premises VM is off, so it is waited for. */
function* bindPatiently(context: Context, { jobId, itemId }: Input): Steps<SiteAgents> {
  const deadline = later(context, DEADLINE_MS.siteChange);
  for (;;) {
    const site = yield* asResult(callActivity(context, 'findSiteAgents', { jobId, itemId }));
    if (site.ok) return site.value;
    if (context.df.currentUtcDateTime >= deadline) throw new StepFailure(site.error);
    yield* sleep(context, POLL_MS.agent);
  }
}

interface AzureParts {
  readonly input: Input;
  readonly vmName: string;
  readonly undo: Undo[];
}

interface Parts extends AzureParts {
  readonly configurationServerId: string;
}

function* stopOnPremises(context: Context, parts: Parts): Steps<boolean> {
  const { input, configurationServerId: agentId } = parts;
  const { jobId, replicationId, part } = input;
  const command = runCommand(context, {
    jobId,
    step: `${part}-stop-vm`,
    agentId,
    name: 'stopVm',
    input: { replicationId, graceful: false },
    deadlineMs: DEADLINE_MS.siteChange,
    whenHeldUp: 'askAgain',
  });
  return yield* attempt(parts, 'stop the on-premises VM', command, true);
}

/** Only after the on-premises VM is known to be off: never both on one identity. */
function* startSource(context: Context, parts: AzureParts, isOff: boolean): Steps<void> {
  const { input, vmName, undo } = parts;
  const { jobId, itemId } = input;
  const step = 'start the Azure VM';
  if (isOff) {
    const started = yield* asResult(changePower(context, { jobId, itemId, vmName }, 'start'));
    // A VM that does not exist cannot be waited for.
    const isGone = !started.ok && lossBehind(started.error) === 'gone';
    const shown = { step, outcome: outcomeOf(started), isDone: started.ok };
    undo.push({ ...shown, isEssential: !isGone });
    return;
  }
  const outcome = 'skipped: the on-premises VM may still run';
  undo.push({ step, outcome, isEssential: true, isDone: false });
}

/**
 * What is at home, and our snapshots in Azure, may be all that is left of the machine: nothing of it is forgotten or
 * deleted. The disks go back to their VM, also one that was made for the failback, where a person can start it.
 */
function* keepCopies(
  context: Context,
  parts: Parts,
  { item, source }: { readonly item: ProtectedItem; readonly source: SourceSight },
): Steps<void> {
  const { input, configurationServerId: agentId, undo } = parts;
  const { jobId, replicationId, part } = input;
  yield* releaseTarget(context, parts, false);
  const attach = runCommand(context, {
    jobId,
    step: `${part}-attach-disks`,
    agentId,
    name: 'attachDisks',
    input: { replicationId },
    deadlineMs: DEADLINE_MS.siteChange,
    whenHeldUp: 'askAgain',
  });
  yield* attempt(parts, 'give the on-premises VM its disks back', attach);
  const newest = resolveRecoveryPoint(item, 'latestProcessed');
  const stand =
    newest === null
      ? 'no recovery point was sealed on-premises'
      : `the disks on-premises hold the recovery point of ${newest.takenAt}, unless they were booted or taken back since`;
  const outcome = `kept what is on-premises and the snapshots in Azure, because they may be the last copies: ${source.reason}; ${stand}`;
  undo.push({ step: 'keep the last copies', outcome, isEssential: false, isDone: true });
}

function* restoreSite(context: Context, parts: Parts): Steps<void> {
  yield* releaseTarget(context, parts, true);
  yield* attempt(parts, 'restore the on-premises VM', restoreTarget(context, parts));
}

/** A VM that was made for the failback goes; its id must not stand for the original one the next time. */
function* restoreTarget(
  context: Context,
  { input, configurationServerId: agentId }: Parts,
): Steps<void> {
  const { jobId, itemId, replicationId, part, isRehearsal } = input;
  const { deletedVm } = yield* runCommand(context, {
    jobId,
    step: `${part}-restore-target`,
    agentId,
    name: 'restoreTarget',
    input: { replicationId, startVm: false },
    deadlineMs: DEADLINE_MS.siteChange,
    whenHeldUp: 'askAgain',
  });
  if (deletedVm && !isRehearsal) {
    yield* callActivity(context, 'recordTarget', { jobId, itemId, vmId: null });
  }
}

/** What it cannot be asked to forget now, the next failback makes it forget before it begins. */
function* releaseTarget(context: Context, parts: Parts, forget: boolean): Steps<void> {
  const { jobId, itemId, replicationId, part } = parts.input;
  const { undo } = parts;
  const found = yield* asResult(callActivity(context, 'findSiteAgents', { jobId, itemId }));
  const agentId = found.ok ? found.value.masterTargetId : null;
  if (agentId === null) {
    const outcome = 'skipped: the master target is not connected';
    undo.push({ step: 'close the disks', outcome, isEssential: false, isDone: false });
    return;
  }
  const atTarget = { jobId, agentId, deadlineMs: DEADLINE_MS.siteChange };
  const discard = runCommand(context, {
    ...atTarget,
    step: `${part}-discard`,
    name: 'discardUnsealed',
    input: { replicationId },
  });
  yield* attempt(parts, 'discard what was staged', discard);
  const close = runCommand(context, {
    ...atTarget,
    step: `${part}-close-target`,
    name: 'closeTarget',
    input: { replicationId, forget },
  });
  yield* attempt(parts, 'close the disks', close);
}

function* cleanAzure(context: Context, parts: Parts, kept: SourceSight | null): Steps<void> {
  const { jobId, itemId } = parts.input;
  const step = 'remove the snapshots in Azure';
  if (kept === null) {
    const prune = callActivity(context, 'pruneSnapshots', { jobId, itemId, keep: [] });
    yield* attempt(parts, step, prune);
  } else {
    const outcome = `skipped, they may be the last copies: ${kept.reason}`;
    parts.undo.push({ step, outcome, isEssential: false, isDone: true });
  }
  const retire = callActivity(context, 'retireProcessServer', { jobId, itemId });
  yield* attempt(parts, 'retire the process server', retire);
}

/** Runs one undo step and notes how it went; a failed one never keeps the others from running. */
function* attempt(
  { undo }: Pick<Parts, 'undo'>,
  step: string,
  steps: Steps<unknown>,
  isEssential = false,
): Steps<boolean> {
  const result = yield* asResult(steps);
  undo.push({ step, outcome: outcomeOf(result), isEssential, isDone: result.ok });
  return result.ok;
}

function outcomeOf(result: Result<unknown>): string {
  return result.ok ? 'done' : `${result.error.code} ${result.error.message}`;
}

function refuseIfIncomplete(undo: readonly Undo[], vmName: string): void {
  const missing = undo.filter(({ isEssential, isDone }) => isEssential && !isDone);
  if (missing.length === 0) return;
  const steps = missing.map(({ step, outcome }) => `${step}: ${outcome}`).join(' · ');
  throw new StepFailure(errorRecord('FB-ORC-011', { vmName, steps }));
}

function openingMessage({ isRehearsal, cause }: Input): string {
  if (isRehearsal) return 'Cleaning up after the rehearsal';
  if (cause === undefined) return 'Going back to Azure';
  return `Going back to Azure: ${cause.code} ${cause.message}`;
}

function keptMessage({ state, reason }: SourceSight): string {
  const what =
    state === 'gone' ? 'The Azure VM is gone or not whole' : 'Azure does not say how its VM is';
  return `${what} (${reason}): what is on-premises was kept, see the report`;
}

function closingMessage(undo: readonly Undo[], isRehearsal: boolean): string {
  const failed = undo.filter(({ isDone }) => !isDone).length;
  const end = isRehearsal ? 'Cleaned up' : 'The machine runs in Azure as before';
  return failed === 0 ? end : `${end}; ${failed} clean-up steps failed, see the report`;
}
