import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { isTerminal, type Job, type JobEvent } from '../shared/domain/job.ts';
import { assertCanEnter, type Phase } from '../shared/domain/phases.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { MAX_JOB_EVENTS } from '../shared/policy/limits.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireItem, updateItem, updateJob } from './support/records.ts';

/**
 * Moves the item along TRANSITIONS and notes it in the job's history. Entering the present phase again
 * changes nothing in the item; a line equal to the last one is not written twice. Throws FB-ORC-012 when
 * the item belongs to another job by now, FB-ORC-005 at the point of no return after a cancel.
 */
export const createEnterPhase = ({ stores, clock }: StoreDeps): ActivityHandler<'enterPhase'> =>
  async function enterPhase({ jobId, itemId, phase, message, state, isRehearsal }) {
    const move = (item: ProtectedItem): ProtectedItem => {
      if (item.activeJobId !== jobId) throw new FailbackError('FB-ORC-012', { jobId });
      assertCanEnter(item.phase, phase);
      return item.phase === phase ? item : { ...item, phase };
    };
    if (!isRehearsal) move(await requireItem(stores, itemId));
    const event: JobEvent = { at: clock.now().toISOString(), phase, message };
    // The job first: from then on a cancel is refused, and one that came before is seen here.
    await updateJob(stores, jobId, (job) => {
      if (isTerminal(job.state)) return job;
      if (isCancelledBefore(job, phase)) throw new FailbackError('FB-ORC-005');
      return { ...job, phase, state: state ?? 'running', history: append(job, event) };
    });
    if (!isRehearsal) await updateItem(stores, itemId, move);
    return null;
  };

/** The last moment at which a cancel counts. */
function isCancelledBefore(job: Job, phase: Phase): boolean {
  const isPointOfNoReturn = phase === 'committing' && job.phase !== 'committing';
  return isPointOfNoReturn && job.intents.cancel !== undefined;
}

function append(job: Job, event: JobEvent): readonly JobEvent[] {
  const last = job.history.at(-1);
  if (last?.phase === event.phase && last.message === event.message) return job.history;
  return [...job.history, event].slice(-MAX_JOB_EVENTS);
}
