import type { Job } from '../../../shared/domain/job.ts';
import { must } from '../must.ts';

/** When a job that is over came to its end. */
export const endedAtMs = ({ endedAt }: Pick<Job, 'endedAt'>): number =>
  Date.parse(must(endedAt, 'the end of the job'));

/** A cycle of the job by its index; negative ones count from the newest. */
export const cycleAt = ({ cycles }: Pick<Job, 'cycles'>, index: number): Job['cycles'][number] =>
  must(cycles.at(index), `cycle ${index} of the job`);
