import { type FailbackInput, jobInstanceId } from '../../shared/contracts/orchestrations.ts';
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
  const { jobId } = request;
  const known = jobId === undefined ? null : await deps.stores.jobs.get(jobId);
  // Asked again by whoever did not hear of the first time: what has ended since is not begun anew.
  if (known !== null && isTerminal(known.value.state)) return known.value;
  const pending = await unfinishedJob(deps, item);
  if (pending !== null) return startPending(deps, item, { pending, operation, jobId });
  const refusal = refuseStart(takesUp?.action ?? operation, item);
  if (refusal !== null) throw new FailbackError(refusal.code, { ...refusal.values, itemId });
  const job = known?.value ?? (await newJob(deps, item, { operation, request }));
  if (known === null) await deps.stores.jobs.create(job);
  await takeItem(deps, found, { job, isAskedAgain: jobId !== undefined });
  await startOrchestration(deps, job, item);
  await noteStarted(deps, job, request);
  return job;
}

/** Completes the start that broke off, if it is the one that was asked for. */
async function startPending(
  deps: FunctionDeps,
  item: ProtectedItem,
  asked: {
    readonly pending: Job;
    readonly operation: Operation;
    readonly jobId: string | undefined;
  },
): Promise<Job> {
  const { pending, operation, jobId = pending.id } = asked;
  const isWanted = pending.operation === operation && jobId === pending.id;
  if (!isWanted) throw heldBy(item, pending.id);
  await startOrchestration(deps, pending, item);
  return pending;
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
  const id = jobId ?? deps.newJobId(operation === 'failback' ? 'fb' : 'rh');
  return {
    id,
    operation,
    itemId,
    itemName: item.name,
    instanceId: jobInstanceId(id, operation),
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

/**
 * Of two requests at the same moment one gets the item; the other's job ends before it began. An answer that got
 * lost is looked for in the record. `isAskedAgain`: whoever asked will do so again, with the same job, when the
 * storage is back.
 */
async function takeItem(
  deps: FunctionDeps,
  { value: item, etag }: Versioned<ProtectedItem>,
  { job, isAskedAgain }: { readonly job: Job; readonly isAskedAgain: boolean },
): Promise<void> {
  try {
    await deps.stores.items.replace(taken(item, job.id), etag);
  } catch (error) {
    const holder = (await deps.stores.items.get(item.id))?.value.activeJobId ?? null;
    if (holder === job.id) return;
    const isLost = error instanceof FailbackError && error.code === 'FB-REQ-008';
    if (!isLost && isAskedAgain) throw error;
    const reason = isLost ? heldBy(item, holder ?? 'another request') : error;
    if (!(reason instanceof FailbackError)) throw error;
    const at = deps.clock.now().toISOString();
    const end = { state: 'failed', at, error: reason.toRecord() } as const;
    await updateRecord(deps.stores.jobs, job.id, (late) => endJob(late, end));
    throw reason;
  }
}

/** The last job may have ended a moment ago, and not yet have told the item: no delta goes onto its base. */
function taken(item: ProtectedItem, jobId: string): ProtectedItem {
  const anew = { base: {}, recoveryPoints: [], isSiteUntouched: true };
  const stale = item.phase === 'failedOver' ? anew : {};
  return { ...item, ...stale, activeJobId: jobId, lastJobId: jobId };
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

/**
 * A failback that takes up a broken commit needs the proof that the earlier one brought: the one that had the item
 * last. Later jobs that lost the race for it brought none.
 */
async function inheritedReport(deps: FunctionDeps, item: ProtectedItem): Promise<Job['report']> {
  const isProved = item.phase === 'commitPending' || BEYOND_RETURN.includes(item.phase);
  const { lastJobId } = item;
  if (!isProved || lastJobId === undefined) return {};
  const earlier = (await deps.stores.jobs.get(lastJobId))?.value;
  return earlier?.operation === 'failback' ? earlier.report : {};
}
