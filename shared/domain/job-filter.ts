import type { Job, JobState } from './job.ts';

/** What a list of jobs is narrowed to; each part that is absent narrows nothing. Times are ISO 8601. */
export interface JobFilter {
  readonly protectedItemId?: string | undefined;
  readonly operation?: Job['operation'] | undefined;
  readonly state?: JobState | undefined;
  /** Created at this moment or later, and before that one. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export function isAskedFor(job: Job, filter: JobFilter): boolean {
  const { protectedItemId, operation, state, from, to } = filter;
  const createdMs = Date.parse(job.createdAt);
  return (
    (protectedItemId === undefined || job.itemId === protectedItemId) &&
    (operation === undefined || job.operation === operation) &&
    (state === undefined || job.state === state) &&
    (from === undefined || createdMs >= Date.parse(from)) &&
    (to === undefined || createdMs < Date.parse(to))
  );
}
