import type { CommandOutput } from '../../shared/contracts/commands.ts';
import { partInstanceId, type Replication } from '../../shared/contracts/orchestrations.ts';
import type { DiskProof, FailbackReport } from '../../shared/domain/job.ts';
import { type ErrorRecord, errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { cancelled } from './gate.ts';
import { enterPhase } from './phase.ts';
import { type PointToProve, prove } from './prove.ts';
import { runCommand, tryCommand } from './run-command.ts';
import { asResult, callOrchestration, type Context, StepFailure, type Steps } from './steps.ts';

type Fixups = CommandOutput<'fixGuest'>['fixups'];
type BootReport = Pick<FailbackReport, 'bootedAt' | 'bootEvidence' | 'isBootSimulated'> & {
  readonly fixups: Fixups;
  readonly warnings: readonly ErrorRecord[];
};

/** Compares what lies on-premises with what was sent. Nothing boots that was not proved. */
export function* proveDisks(
  context: Context,
  replication: Replication,
  point: PointToProve,
): Steps<DiskProof> {
  yield* enterPhase(context, replication, 'booting', {
    message: 'Comparing the disks block by block',
    task: 'proveDisks',
  });
  return yield* prove(context, replication, point);
}

/**
 * Boots. When the machine does not come up and the operator did not ask for the way back by itself, a person looks
 * at it and decides: try again, as often as they like, or cancel.
 */
export function* bootOrDecide(context: Context, replication: Replication): Steps<BootReport> {
  for (let attempt = 0; ; attempt += 1) {
    const booted = yield* asResult(boot(context, replication, attempt));
    if (booted.ok) return booted.value;
    if (replication.options.rollBackOnBootFailure) throw new StepFailure(booted.error);
    yield* decide(context, replication, { attempt, error: booted.error });
  }
}

/**
 * Hands the disks to the VM, fixes what is fixed while it is off, starts it, waits for a sign of life and fixes the
 * rest in the running guest. A fix-up that fails is a warning: the machine is home all the same.
 */
export function* boot(context: Context, replication: Replication, attempt = 0): Steps<BootReport> {
  const { jobId, replicationId, site, options } = replication;
  yield* enterPhase(context, replication, 'booting', {
    message: attempt === 0 ? 'Booting on-premises' : `Booting on-premises again (${attempt})`,
    task: 'boot',
  });
  const onSite = {
    jobId,
    agentId: site.configurationServerId,
    deadlineMs: DEADLINE_MS.siteChange,
    whenHeldUp: 'askAgainUnlessCancelled',
  } as const;
  const input = { replicationId };
  // Each attempt needs commands of its own: a repeated one is answered with what came of the first.
  const step = (name: string): string => (attempt === 0 ? name : `${name}-${attempt}`);
  if (attempt > 0) {
    const stop = { name: 'stopVm', input: { replicationId, graceful: false } } as const;
    yield* runCommand(context, { ...onSite, ...stop, step: step('stop-vm') });
  }
  yield* runCommand(context, {
    jobId,
    step: step('close-target'),
    agentId: site.masterTargetId,
    name: 'closeTarget',
    input: { replicationId, forget: false },
    deadlineMs: DEADLINE_MS.siteChange,
    whenHeldUp: 'askAgainUnlessCancelled',
  });
  yield* runCommand(context, { ...onSite, step: step('attach-disks'), name: 'attachDisks', input });
  const offline = yield* fixGuest(context, replication, step('fix-guest'));
  yield* runCommand(context, { ...onSite, step: step('start-vm'), name: 'startVm', input });
  const sign = yield* runCommand(context, {
    ...onSite,
    step: step('verify-boot'),
    name: 'verifyBoot',
    input: { replicationId, timeoutSeconds: options.bootTimeoutSeconds },
    deadlineMs: DEADLINE_MS.siteChange + options.bootTimeoutSeconds * 1000,
  });
  const running = yield* fixGuest(context, replication, step('fix-running-guest'));
  const fixups = mergeFixups(offline, running);
  const { bootedAt, evidence, isBootSimulated } = sign;
  const warnings = warningsOf(fixups, site.vm.name);
  return { fixups, warnings, bootedAt, bootEvidence: evidence, isBootSimulated };
}

/** An agent that cannot do it at all has failed in one thing, not in the failback. */
function* fixGuest(context: Context, replication: Replication, step: string): Steps<Fixups> {
  const { jobId, replicationId, site } = replication;
  const fixed = yield* tryCommand(context, {
    jobId,
    step,
    agentId: site.configurationServerId,
    name: 'fixGuest',
    input: { replicationId },
    deadlineMs: DEADLINE_MS.siteChange,
  });
  if (fixed.ok) return fixed.value.fixups;
  const { code, message } = fixed.error;
  return [{ name: 'guest', outcome: 'failed', detail: `${code} ${message}` }];
}

/** What was left to the guest, the guest has the last word on. */
function mergeFixups(offline: Fixups, running: Fixups): Fixups {
  const isSettled = ({ outcome }: Fixups[number]): boolean => outcome !== 'deferredToGuest';
  const settled = offline.filter(
    (fixup) => isSettled(fixup) || !running.some(({ name }) => name === fixup.name),
  );
  const others = running.filter(({ name }) => !settled.some((fixup) => fixup.name === name));
  return [...settled, ...others];
}

function warningsOf(fixups: Fixups, vmName: string): readonly ErrorRecord[] {
  return fixups
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ name: fixup, detail }) => errorRecord('FB-SITE-007', { vmName, fixup, detail }));
}

/** A line of the job's history, with what did not go well in the guest behind it. */
export function withWarnings(message: string, { warnings }: Pick<BootReport, 'warnings'>): string {
  const [first] = warnings;
  if (first === undefined) return message;
  return `${message} (warnings: ${warnings.length}; the first: ${first.code} ${first.message})`;
}

/** Returns when the operator wants another attempt. */
function* decide(
  context: Context,
  replication: Replication,
  { attempt, error }: { readonly attempt: number; readonly error: ErrorRecord },
): Steps<void> {
  const { jobId } = replication;
  const gate = `boot-gate-${attempt}`;
  yield* enterPhase(context, replication, 'bootFailed', {
    message: `The machine did not boot; resume to try again, cancel to go back to Azure: ${error.code} ${error.message}`,
    state: 'waitingForOperator',
    task: 'decideAfterBootFailure',
    error,
    gate,
  });
  const wanted = ['cancel', 'resume'] as const;
  const decision = yield* callOrchestration(
    context,
    'gate',
    { jobId, wanted },
    partInstanceId(jobId, gate),
  );
  if (decision === 'cancel') throw cancelled();
}
