import type { Job, JobEvent } from '../../shared/domain/job.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { MAX_JOB_EVENTS } from '../../shared/policy/limits.ts';
import type { Stores } from '../../shared/ports/stores.ts';
import { updateRecord } from '../../shared/services/update-record.ts';

export async function requireItem(stores: Stores, id: string): Promise<ProtectedItem> {
  const found = await stores.items.get(id);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'protected item', id });
  return found.value;
}

export async function requireJob(stores: Stores, id: string): Promise<Job> {
  const found = await stores.jobs.get(id);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id });
  return found.value;
}

export async function updateItem(
  stores: Stores,
  id: string,
  change: (item: ProtectedItem) => ProtectedItem,
): Promise<ProtectedItem> {
  const updated = await updateRecord(stores.items, id, change);
  if (updated === null) throw new FailbackError('FB-REQ-002', { kind: 'protected item', id });
  return updated;
}

export async function updateJob(
  stores: Stores,
  id: string,
  change: (job: Job) => Job,
): Promise<Job> {
  const updated = await updateRecord(stores.jobs, id, change);
  if (updated === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id });
  return updated;
}

/** A line equal to the last one is not written twice. */
export function appended(history: readonly JobEvent[], event: JobEvent): readonly JobEvent[] {
  const last = history.at(-1);
  if (last?.phase === event.phase && last.message === event.message) return history;
  return [...history, event].slice(-MAX_JOB_EVENTS);
}
