import type { CommandName } from '../../shared/contracts/commands.ts';
import { isTerminal, type Job } from '../../shared/domain/job.ts';
import { endJob } from '../../shared/domain/job-tasks.ts';
import { isLetGoAtWork, refuseStart } from '../../shared/domain/protected-item-operations.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { breakOff } from './break-off.ts';

/** What a job may be at that is let go: the one only looks, the other seals nothing that is not whole. */
const BROKEN_OFF: readonly CommandName[] = ['checkMobilityAgent', 'replicateToAzure'];

/**
 * Takes the machine out of our care, and deletes nothing else. A job that still waits or sends for it is told first,
 * so that it ends as cancelled; one whose orchestration was stopped from outside has ended. Throws FB-REQ-003 while a
 * job is in the middle of something, FB-REQ-026 in a phase that has to be ended first, FB-REQ-008 when the machine
 * has changed meanwhile.
 */
export async function letGo(
  deps: FunctionDeps,
  { value: item, etag }: Versioned<ProtectedItem>,
): Promise<void> {
  const holder = await holderOf(deps, item);
  const refusal = refuseStart('unprotect', item);
  if (refusal !== null) throw new FailbackError(refusal.code, refusal.values);
  if (holder !== null) await dismiss(deps, holder);
  await deps.stores.items.delete(item.id, etag);
}

interface Holder {
  readonly job: Job;
  readonly isAtWork: boolean;
}

/** The job that has to end; `null` = none has the item. Throws FB-REQ-003 where it must not be left. */
async function holderOf(
  { stores, orchestrator }: FunctionDeps,
  { name: itemName, activeJobId }: ProtectedItem,
): Promise<Holder | null> {
  if (activeJobId === null) return null;
  const job = (await stores.jobs.get(activeJobId))?.value;
  if (job === undefined || isTerminal(job.state)) return null;
  const isAtWork = await orchestrator.isRunning(job.instanceId);
  // One that is only recorded may be about to be started; a rehearsal is first cleaned up by the next one.
  const isOver = job.operation === 'failback' && job.state !== 'queued';
  const isLeft = isAtWork ? isLetGoAtWork(job) : isOver;
  if (isLeft) return { job, isAtWork };
  throw new FailbackError('FB-REQ-003', { itemName, jobId: activeJobId });
}

async function dismiss(deps: FunctionDeps, { job: { id }, isAtWork }: Holder): Promise<void> {
  const at = deps.clock.now().toISOString();
  if (!isAtWork) {
    const end = { state: 'failed', at, error: errorRecord('FB-ORC-012', { jobId: id }) } as const;
    await updateRecord(deps.stores.jobs, id, (job) => endJob(job, end));
    return;
  }
  await updateRecord(deps.stores.jobs, id, (job) => ({
    ...job,
    intents: { ...job.intents, cancel: at },
  }));
  await breakOff(deps, id, {
    isMeant: ({ name }) => BROKEN_OFF.includes(name),
    error: errorRecord('FB-ORC-005'),
  });
}
