import {
  commandEventName,
  INTENT_EVENT,
  partInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import type { CommandName } from '../../shared/contracts/commands.ts';
import { isTerminal, type Job } from '../../shared/domain/job.ts';
import { allowedIntents, type Intent, stageOf } from '../../shared/domain/phases.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { failure } from '../../shared/errors/result.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';

/** Commands that run for hours and may be broken off at any moment; all others are let finish. */
const INTERRUPTIBLE: readonly CommandName[] = ['replicateDisk', 'verifyDisks'];

/** Parts of a failback that wait for an operator. */
const WAITING_PARTS = ['replication', 'commit-gate'] as const;

/** Records what the operator wants, then wakes whoever may be waiting for it. Asking twice is asking once. */
export async function ask(deps: FunctionDeps, jobId: string, intent: Intent): Promise<Job> {
  const at = deps.clock.now().toISOString();
  const job = await updateRecord(deps.stores.jobs, jobId, (current) => {
    refuseIfImpossible(current, intent);
    if (current.intents[intent] !== undefined) return current;
    return { ...current, intents: { ...current.intents, [intent]: at } };
  });
  if (job === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id: jobId });
  if (intent === 'cancel') await breakOffTransfers(deps, jobId);
  for (const part of WAITING_PARTS) {
    await deps.orchestrator.wake(partInstanceId(jobId, part), INTENT_EVENT);
  }
  return job;
}

function refuseIfImpossible(job: Job, intent: Intent): void {
  if (isTerminal(job.state)) {
    throw new FailbackError('FB-REQ-007', { state: job.state, intent });
  }
  if (job.operation === 'failback' && allowedIntents(job.phase).includes(intent)) return;
  const values = { intent, itemName: job.itemName, stage: stageOf(job.phase) };
  throw new FailbackError('FB-REQ-004', values);
}

/** The agent hears of it at its next heartbeat; the orchestration does not wait for that. */
async function breakOffTransfers(deps: FunctionDeps, jobId: string): Promise<void> {
  const error = errorRecord('FB-ORC-005');
  for (const command of await deps.stores.commands.listOpen(jobId)) {
    if (!INTERRUPTIBLE.includes(command.name)) continue;
    await updateRecord(deps.stores.commands, command.id, (current) =>
      current.result === null ? { ...current, result: failure(error) } : current,
    );
    await deps.orchestrator.wake(command.instanceId, commandEventName(command.id));
  }
}
