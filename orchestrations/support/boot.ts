import { partInstanceId, type Replication } from '../../shared/contracts/orchestrations.ts';
import type { DiskProof, FailbackReport } from '../../shared/domain/job.ts';
import type { ErrorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import { cancelled } from './gate.ts';
import { enterPhase } from './phase.ts';
import { type PointToProve, prove } from './prove.ts';
import { runCommand } from './run-command.ts';
import { asResult, callOrchestration, type Context, StepFailure, type Steps } from './steps.ts';

type BootReport = Pick<FailbackReport, 'fixups' | 'bootedAt' | 'bootEvidence' | 'isBootSimulated'>;

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

/** Hands the disks to the VM, fixes the guest, starts it and waits for a sign of life. */
export function* boot(context: Context, replication: Replication, attempt = 0): Steps<BootReport> {
  const { jobId, replicationId, site, options } = replication;
  yield* enterPhase(context, replication, 'booting', {
    message: attempt === 0 ? 'Booting on-premises' : `Booting on-premises again (${attempt})`,
    task: 'boot',
  });
  const onSite = { jobId, agentId: site.configurationServerId, deadlineMs: DEADLINE_MS.siteChange };
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
  });
  yield* runCommand(context, { ...onSite, step: step('attach-disks'), name: 'attachDisks', input });
  const { fixups } = yield* runCommand(context, {
    ...onSite,
    step: step('fix-guest'),
    name: 'fixGuest',
    input,
  });
  yield* runCommand(context, { ...onSite, step: step('start-vm'), name: 'startVm', input });
  const sign = yield* runCommand(context, {
    ...onSite,
    step: step('verify-boot'),
    name: 'verifyBoot',
    input: { replicationId, timeoutSeconds: options.bootTimeoutSeconds },
    deadlineMs: DEADLINE_MS.siteChange + options.bootTimeoutSeconds * 1000,
  });
  const { bootedAt, evidence, isBootSimulated } = sign;
  return { fixups, bootedAt, bootEvidence: evidence, isBootSimulated };
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
