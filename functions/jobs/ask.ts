import { INTENT_EVENT, partInstanceId } from '../../shared/contracts/orchestrations.ts';
import type { CommandName } from '../../shared/contracts/commands.ts';
import { isTerminal, type Job } from '../../shared/domain/job.ts';
import { allowedIntents, type Intent, stageOf } from '../../shared/domain/phases.ts';
import { resolveRecoveryPoint } from '../../shared/domain/protected-item.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { breakOff } from './break-off.ts';

/** Commands that run for hours and may be broken off at any moment; all others are let finish. */
const INTERRUPTIBLE: readonly CommandName[] = ['replicateDisk', 'verifyDisks'];

/** Parts of a failback that wait for an operator. */
const WAITING_PARTS = ['replication', 'commit-gate'] as const;

interface Wish {
  readonly intent: Intent;
  /** With `failover`: the recovery point to boot. */
  readonly recoveryPoint?: string;
  /** Throws when the job is not the one that the operator saw. */
  readonly check?: (current: Versioned<Job>) => void;
}

/** Records what the operator wants, then wakes whoever may be waiting for it. Asking twice is asking once. */
export async function ask(deps: FunctionDeps, jobId: string, wish: Wish): Promise<Job> {
  const { intent, recoveryPoint } = wish;
  const at = deps.clock.now().toISOString();
  if (recoveryPoint !== undefined) await refuseUnknownPoint(deps, jobId, recoveryPoint);
  const job = await updateRecord(deps.stores.jobs, jobId, (current, etag) => {
    wish.check?.({ value: current, etag });
    if (current.intents[intent] !== undefined) return current;
    refuseIfImpossible(current, intent);
    const asked = { ...current, intents: { ...current.intents, [intent]: at } };
    return recoveryPoint === undefined ? asked : { ...asked, failoverTo: recoveryPoint };
  });
  if (job === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id: jobId });
  if (intent === 'cancel') {
    await breakOff(deps, jobId, { names: INTERRUPTIBLE, error: errorRecord('FB-ORC-005') });
  }
  for (const part of WAITING_PARTS) {
    await deps.orchestrator.wake(partInstanceId(jobId, part), INTENT_EVENT);
  }
  return job;
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

function refuseIfImpossible(job: Job, intent: Intent): void {
  if (isTerminal(job.state)) {
    throw new FailbackError('FB-REQ-007', { state: job.state, intent });
  }
  if (job.operation === 'failback' && allowedIntents(job.phase).includes(intent)) return;
  const values = { intent, itemName: job.itemName, stage: stageOf(job.phase) };
  throw new FailbackError('FB-REQ-004', values);
}
