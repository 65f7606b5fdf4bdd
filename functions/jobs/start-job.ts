import {
  type FailbackInput,
  failbackInstanceId,
  rehearsalInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import { type FailbackOptions, isTerminal, type Job } from '../../shared/domain/job.ts';
import { endJob } from '../../shared/domain/job-tasks.ts';
import { BEYOND_RETURN } from '../../shared/domain/phases.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import { refuseStart } from '../../shared/domain/protected-item-operations.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { recordEvent } from '../../shared/services/record-event.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
import type { FunctionDeps } from '../support/deps.ts';

type Operation = Job['operation'];

interface JobRequest {
  readonly protectedItemId: string;
  readonly options: FailbackOptions;
  /** Chosen by the caller, who may ask again with the same; absent = a new one. */
  readonly jobId?: string;
  /** Who asked, for the log of events. */
  readonly caller: string;
  /** The earlier job whose item is taken up, and how. */
  readonly takesUp?: { readonly jobId: string; readonly action: 'resume' | 'restart' };
}

/**
 * Writes the job, takes the item for it (one job at a time, guarded by its ETag), starts its orchestration.
 * A start that broke off half-way is completed by asking again.
 */
export async function startJob(
  deps: FunctionDeps,
  operation: Operation,
  request: JobRequest,
): Promise<Job> {
  const { protectedItemId: itemId, takesUp } = request;
  const found = await deps.stores.items.get(itemId);
  if (found === null) {
    throw new FailbackError('FB-REQ-002', { kind: 'protected item', id: itemId });
  }
  const item = found.value;
  const pending = await unfinishedJob(deps, item);
  if (pending !== null) {
    if (pending.operation !== operation) throw heldBy(item, pending.id);
    await startOrchestration(deps, pending, item);
    return pending;
  }
  const refusal = refuseStart(takesUp?.action ?? operation, item);
  if (refusal !== null) throw new FailbackError(refusal.code, { ...refusal.values, itemId });
  const { jobId } = request;
  const known = jobId === undefined ? null : await deps.stores.jobs.get(jobId);
  const job = known?.value ?? (await newJob(deps, item, { operation, request }));
  if (known === null) await deps.stores.jobs.create(job);
  await takeItem(deps, found, job);
  await startOrchestration(deps, job, item);
  await noteStarted(deps, job, request);
  return job;
}

async function noteStarted(
  { stores }: FunctionDeps,
  { id: jobId, operation, itemId, itemName, createdAt: at }: Job,
  { caller, takesUp }: JobRequest,
): Promise<void> {
  const how = takesUp === undefined ? '' : `: ${takesUp.action} of ${takesUp.jobId}`;
  const message = `${operation} of ${itemName} started${how}`;
  const event = { kind: 'jobStarted', at, caller, jobId, itemId, message } as const;
  await recordEvent(stores, `${jobId}-start`, event);
}

async function newJob(
  deps: FunctionDeps,
  item: ProtectedItem,
  { operation, request }: { readonly operation: Operation; readonly request: JobRequest },
): Promise<Job> {
  const { id: itemId } = item;
  const { options, takesUp, jobId } = request;
  const isRestart = takesUp?.action === 'restart';
  return {
    id: jobId ?? deps.newJobId(operation === 'failback' ? 'fb' : 'rh'),
    operation,
    itemId,
    itemName: item.name,
    instanceId: operation === 'failback' ? failbackInstanceId(itemId) : rehearsalInstanceId(itemId),
    state: 'queued',
    phase: item.phase,
    options,
    createdAt: deps.clock.now().toISOString(),
    endedAt: null,
    intents: {},
    history: [],
    tasks: [],
    ...(takesUp === undefined ? {} : { follows: takesUp.jobId, isRestart }),
    cycles: [],
    report: isRestart ? {} : await inheritedReport(deps, item),
    error: null,
  };
}

/** Of two requests at the same moment one gets the item; the other's job ends before it began. */
async function takeItem(
  deps: FunctionDeps,
  { value: item, etag }: Versioned<ProtectedItem>,
  job: Job,
): Promise<void> {
  try {
    await deps.stores.items.replace({ ...item, activeJobId: job.id, lastJobId: job.id }, etag);
  } catch (error) {
    const holder = (await deps.stores.items.get(item.id))?.value.activeJobId ?? 'another request';
    const refusal = heldBy(item, holder);
    const at = deps.clock.now().toISOString();
    const end = { state: 'failed', at, error: refusal.toRecord() } as const;
    await updateRecord(deps.stores.jobs, job.id, (late) => endJob(late, end));
    throw error instanceof FailbackError && error.code === 'FB-REQ-008' ? refusal : error;
  }
}

function heldBy({ id: itemId, name: itemName }: ProtectedItem, jobId: string): FailbackError {
  return new FailbackError('FB-REQ-003', { itemName, jobId, itemId });
}

/**
 * The job that took the item but was not started yet, `null` when the item is free. Throws FB-REQ-003 while
 * its orchestration runs; a job whose orchestration was stopped from outside has ended.
 */
async function unfinishedJob(deps: FunctionDeps, item: ProtectedItem): Promise<Job | null> {
  if (item.activeJobId === null) return null;
  const job = (await deps.stores.jobs.get(item.activeJobId))?.value;
  if (job === undefined || isTerminal(job.state)) return null;
  if (await deps.orchestrator.isRunning(job.instanceId)) {
    throw heldBy(item, job.id);
  }
  if (job.state === 'queued') return job;
  const at = deps.clock.now().toISOString();
  const error = errorRecord('FB-ORC-012', { jobId: job.id });
  const end = { state: 'failed', at, error } as const;
  await updateRecord(deps.stores.jobs, job.id, (stopped) => endJob(stopped, end));
  return null;
}

async function startOrchestration(
  deps: FunctionDeps,
  job: Job,
  item: ProtectedItem,
): Promise<void> {
  const input: FailbackInput = {
    jobId: job.id,
    itemId: item.id,
    options: job.options,
    startAt: item.phase,
    ...(job.isRestart === true ? { isRestart: true } : {}),
  };
  await deps.orchestrator.start(job.operation, job.instanceId, input);
}

/** A failback that takes up a broken commit needs the proof that the earlier one brought. */
async function inheritedReport(deps: FunctionDeps, item: ProtectedItem): Promise<Job['report']> {
  const isProved = item.phase === 'commitPending' || BEYOND_RETURN.includes(item.phase);
  if (!isProved) return {};
  const jobs = await deps.stores.jobs.list();
  const earlier = jobs.find((job) => job.itemId === item.id && job.operation === 'failback');
  return earlier?.report ?? {};
}
