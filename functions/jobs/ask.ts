import { INTENT_EVENT, partInstanceId } from '../../shared/contracts/orchestrations.ts';
import type { CommandName } from '../../shared/contracts/commands.ts';
import type { Job } from '../../shared/domain/job.ts';
import type { Intent } from '../../shared/domain/phases.ts';
import { resolveRecoveryPoint } from '../../shared/domain/protected-item.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import { recordEvent } from '../../shared/services/record-event.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { breakOff } from './break-off.ts';
import { refuseAction } from './job-actions.ts';

/** Commands that run for hours and may be broken off at any moment; all others are let finish. */
const INTERRUPTIBLE: readonly CommandName[] = ['replicateDisk', 'verifyDisks'];

/** Parts of a failback that wait for an operator. */
const WAITING_PARTS: readonly string[] = ['replication', 'commit-gate'];

interface Wish {
  readonly intent: Intent;
  /** With `failover`: the recovery point to boot. */
  readonly recoveryPoint?: string;
  /** Throws when the job is not the one that the operator saw. */
  readonly check?: (current: Versioned<Job>) => void;
  readonly caller: string;
}

/** Records what the operator wants, then wakes whoever may be waiting for it. Asking twice is asking once. */
export async function ask(deps: FunctionDeps, jobId: string, wish: Wish): Promise<Job> {
  const { intent, recoveryPoint } = wish;
  const at = deps.clock.now().toISOString();
  if (recoveryPoint !== undefined) await refuseUnknownPoint(deps, jobId, recoveryPoint);
  const job = await updateRecord(deps.stores.jobs, jobId, (current, etag) => {
    wish.check?.({ value: current, etag });
    if (current.intents[intent] !== undefined) {
      refuseOtherPoint(current, wish);
      return current;
    }
    const refusal = refuseAction(intent, current, null);
    if (refusal !== null) throw new FailbackError(refusal.code, refusal.values);
    const asked = { ...current, intents: { ...current.intents, [intent]: at } };
    return recoveryPoint === undefined ? asked : { ...asked, failoverTo: recoveryPoint };
  });
  if (job === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id: jobId });
  if (intent === 'cancel') {
    await breakOff(deps, jobId, { names: INTERRUPTIBLE, error: errorRecord('FB-ORC-005') });
  }
  const gates = job.gate === undefined ? WAITING_PARTS : [...WAITING_PARTS, job.gate];
  for (const part of gates) {
    await deps.orchestrator.wake(partInstanceId(jobId, part), INTENT_EVENT);
  }
  await noteAsked(deps, job, wish);
  return job;
}

/** Also what was asked for before: who pressed the button twice, and when. */
async function noteAsked(
  deps: FunctionDeps,
  { id: jobId, itemId, itemName }: Job,
  { intent, recoveryPoint, caller }: Wish,
): Promise<void> {
  const to = recoveryPoint === undefined ? '' : ` to ${recoveryPoint}`;
  await recordEvent(deps.stores, deps.newEventKey(), {
    kind: 'jobAsked',
    at: deps.clock.now().toISOString(),
    caller,
    jobId,
    itemId,
    message: `${intent} of ${itemName}${to}`,
  });
}

/** Whoever chooses another point after the failover was asked for must not believe that he gets it. */
function refuseOtherPoint({ id, itemName, failoverTo: wanted = 'latest' }: Job, wish: Wish): void {
  const { recoveryPoint } = wish;
  if (recoveryPoint === undefined || recoveryPoint === wanted) return;
  throw new FailbackError('FB-REQ-031', { itemName, wanted, recoveryPoint, jobId: id });
}

async function refuseUnknownPoint(
  deps: FunctionDeps,
  jobId: string,
  recoveryPoint: string,
): Promise<void> {
  if (recoveryPoint === 'latest') return;
  const job = await deps.stores.jobs.get(jobId);
  const item = job === null ? null : await deps.stores.items.get(job.value.itemId);
  if (item === null || resolveRecoveryPoint(item.value, recoveryPoint) !== null) return;
  const values = { recoveryPoint, itemName: item.value.name };
  throw new FailbackError('FB-REQ-010', values);
}
