import type { SiteBinding } from '../shared/contracts/activities.ts';
import type { OrchestrationInput } from '../shared/contracts/orchestrations.ts';
import { SOURCE_IS_DOWN } from '../shared/domain/phases.ts';
import type { Result } from '../shared/errors/result.ts';
import { DEADLINE_MS } from '../shared/policy/deadlines.ts';
import { changePower } from './support/azure-power.ts';
import { enterPhase } from './support/phase.ts';
import { runCommand } from './support/run-command.ts';
import { asResult, callActivity, type Context, type Steps } from './support/steps.ts';

type Input = OrchestrationInput<'rollback'>;
type Undo = { readonly step: string; readonly outcome: string };

/** Back to "runs in Azure", from wherever the failback or rehearsal stands. */
export function* rollbackOrchestration(context: Context): Steps<Result<null>> {
  const input = context.df.getInput<Input>();
  return yield* asResult(rollback(context, input));
}

function* rollback(context: Context, input: Input): Steps<null> {
  const { jobId, itemId, isRehearsal } = input;
  const item = yield* callActivity(context, 'readItem', { itemId });
  const isSourceDown = !isRehearsal && item !== null && SOURCE_IS_DOWN.includes(item.phase);
  yield* enterPhase(context, input, 'rollingBack', {
    message: isRehearsal ? 'Cleaning up after the rehearsal' : 'Going back to Azure',
    state: 'running',
  });
  const site = yield* asResult(callActivity(context, 'bindSite', { jobId, itemId }));
  const undo: Undo[] = [];
  if (site.ok) yield* undoOnPremises(context, { input, site: site.value, isSourceDown, undo });
  yield* attempt(
    undo,
    'remove the snapshots in Azure',
    callActivity(context, 'pruneSnapshots', { jobId, itemId, keep: [] }),
  );
  yield* attempt(
    undo,
    'retire the process server',
    callActivity(context, 'retireProcessServer', { jobId, itemId }),
  );
  yield* callActivity(context, 'recordReport', { jobId, report: { undo } });
  yield* enterPhase(context, input, 'failedOver', {
    message: isRehearsal ? 'Cleaned up' : 'The machine runs in Azure as before',
  });
  return null;
}

interface SiteUndo {
  readonly input: Input;
  readonly site: SiteBinding;
  readonly isSourceDown: boolean;
  readonly undo: Undo[];
}

/** The Azure VM starts only after the on-premises VM is known to be off: never both on one identity. */
function* undoOnPremises(
  context: Context,
  { input, site, isSourceDown, undo }: SiteUndo,
): Steps<void> {
  const { jobId, itemId, replicationId } = input;
  const onSite = { jobId, agentId: site.configurationServerId, deadlineMs: DEADLINE_MS.siteChange };
  const atTarget = { ...onSite, agentId: site.masterTargetId };
  const isOff = yield* attempt(
    undo,
    'stop the on-premises VM',
    runCommand(context, {
      ...onSite,
      step: 'rollback-stop-vm',
      name: 'stopVm',
      input: { replicationId, graceful: false },
    }),
  );
  if (isSourceDown) {
    if (isOff) {
      const vm = { jobId, itemId, vmName: site.item.vmName };
      yield* attempt(undo, 'start the Azure VM', changePower(context, vm, 'start'));
    } else {
      const outcome =
        'skipped: the on-premises VM may still run; stop it, then start the Azure VM by hand';
      undo.push({ step: 'start the Azure VM', outcome });
    }
  }
  yield* attempt(
    undo,
    'discard what was staged',
    runCommand(context, {
      ...atTarget,
      step: 'rollback-discard',
      name: 'discardUnsealed',
      input: { replicationId },
    }),
  );
  yield* attempt(
    undo,
    'close the disks',
    runCommand(context, {
      ...atTarget,
      step: 'rollback-close-target',
      name: 'closeTarget',
      input: { replicationId, forget: true },
    }),
  );
  yield* attempt(
    undo,
    'restore the on-premises VM',
    runCommand(context, {
      ...onSite,
      step: 'rollback-restore-target',
      name: 'restoreTarget',
      input: { replicationId, startVm: false },
    }),
  );
}

/** Runs one undo step and notes how it went; a failed one never keeps the others from running. */
function* attempt(undo: Undo[], step: string, steps: Steps<unknown>): Steps<boolean> {
  const result = yield* asResult(steps);
  const outcome = result.ok ? 'done' : `${result.error.code} ${result.error.message}`;
  undo.push({ step, outcome });
  return result.ok;
}
