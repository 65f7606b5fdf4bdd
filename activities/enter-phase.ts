import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { isTerminal, type Job, type JobEvent } from '../shared/domain/job.ts';
import { assertCanEnter } from '../shared/domain/phases.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { MAX_JOB_EVENTS } from '../shared/policy/limits.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateItem, updateJob } from './support/records.ts';

/**
 * Moves the item along TRANSITIONS and notes it in the job's history. Entering the present phase again
 * changes nothing in the item; a line equal to the last one is not written twice. Throws FB-ORC-012 when
 * the item belongs to another job by now.
 */
export const createEnterPhase = ({ stores, clock }: StoreDeps): ActivityHandler<'enterPhase'> =>
  async function enterPhase({ jobId, itemId, phase, message, state, isRehearsal }) {
    if (!isRehearsal) {
      await updateItem(stores, itemId, (item) => {
        if (item.activeJobId !== jobId) throw new FailbackError('FB-ORC-012', { jobId });
        assertCanEnter(item.phase, phase);
        return item.phase === phase ? item : { ...item, phase };
      });
    }
    const event: JobEvent = { at: clock.now().toISOString(), phase, message };
    await updateJob(stores, jobId, (job) => {
      if (isTerminal(job.state)) return job;
      return { ...job, phase, state: state ?? 'running', history: append(job, event) };
    });
    return null;
  };

function append(job: Job, event: JobEvent): readonly JobEvent[] {
  const last = job.history.at(-1);
  if (last?.phase === event.phase && last.message === event.message) return job.history;
  return [...job.history, event].slice(-MAX_JOB_EVENTS);
}
