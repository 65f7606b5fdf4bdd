import type { ActivityOutput } from '../shared/contracts/activities.ts';
import type { OrchestrationInput } from '../shared/contracts/orchestrations.ts';
import { SOURCE_IS_DOWN } from '../shared/domain/phases.ts';
import { masterTargetOf, type ProtectedItem } from '../shared/domain/protected-item.ts';
import { errorRecord } from '../shared/errors/failback-error.ts';
import type { Result } from '../shared/errors/result.ts';
import { DEADLINE_MS, POLL_MS } from '../shared/policy/deadlines.ts';
import { changePower } from './support/azure-power.ts';
import { enterPhase } from './support/phase.ts';
import { runCommand } from './support/run-command.ts';
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
  const { vmName } = item;
  const { configurationServerId } = yield* bindPatiently(context, input);
  const parts = { input, vmName, configurationServerId, undo };
  const isOff = yield* stopOnPremises(context, parts);
  // Whatever else there is to undo waits until the machine runs again.
  if (mustStartSource) yield* startSource(context, parts, isOff);
  yield* restoreSite(context, parts);
  yield* cleanAzure(context, parts);
  yield* report(context, jobId, undo);
  refuseIfIncomplete(undo, vmName);
  return yield* goneBack(context, input, undo);
}

function* report(context: Context, jobId: string, undo: readonly Undo[]): Steps<void> {
  const shown = { undo: undo.map(({ step, outcome }) => ({ step, outcome })) };
  yield* callActivity(context, 'recordReport', { jobId, report: shown });
}

/** Before a master target was chosen nothing was touched anywhere. */
function* goneBack(context: Context, input: Input, undo: readonly Undo[]): Steps<null> {
  const message = closingMessage(undo, input.isRehearsal);
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

interface Parts {
  readonly input: Input;
  readonly vmName: string;
  readonly configurationServerId: string;
  readonly undo: Undo[];
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
function* startSource(context: Context, parts: Parts, isOff: boolean): Steps<void> {
  const { input, vmName, undo } = parts;
  const { jobId, itemId } = input;
  const step = 'start the Azure VM';
  if (isOff) {
    const vm = { jobId, itemId, vmName };
    yield* attempt(parts, step, changePower(context, vm, 'start'), true);
    return;
  }
  const outcome = 'skipped: the on-premises VM may still run';
  undo.push({ step, outcome, isEssential: true, isDone: false });
}

function* restoreSite(context: Context, parts: Parts): Steps<void> {
  yield* releaseTarget(context, parts);
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
function* releaseTarget(context: Context, parts: Parts): Steps<void> {
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
    input: { replicationId, forget: true },
  });
  yield* attempt(parts, 'close the disks', close);
}

function* cleanAzure(context: Context, parts: Parts): Steps<void> {
  const { jobId, itemId } = parts.input;
  const prune = callActivity(context, 'pruneSnapshots', { jobId, itemId, keep: [] });
  yield* attempt(parts, 'remove the snapshots in Azure', prune);
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
  const outcome = result.ok ? 'done' : `${result.error.code} ${result.error.message}`;
  undo.push({ step, outcome, isEssential, isDone: result.ok });
  return result.ok;
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

function closingMessage(undo: readonly Undo[], isRehearsal: boolean): string {
  const failed = undo.filter(({ isDone }) => !isDone).length;
  const end = isRehearsal ? 'Cleaned up' : 'The machine runs in Azure as before';
  return failed === 0 ? end : `${end}; ${failed} clean-up steps failed, see the report`;
}
