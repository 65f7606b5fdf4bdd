import type { JOB_ACTIONS } from '../../shared/contracts/http-api.ts';
import { isTerminal, type Job } from '../../shared/domain/job.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import { intentsOf, notNow, refuseStart } from '../../shared/domain/protected-item-operations.ts';
import { type ErrorRecord, errorRecord } from '../../shared/errors/failback-error.ts';

export type JobAction = (typeof JOB_ACTIONS)[number];

/**
 * Why the action is not possible on the job now; `null` when it is. A job that has ended may be taken up, if it was
 * the last one of its item. `item` is `null` when it is gone.
 */
export function refuseAction(
  action: JobAction,
  job: Job,
  item: ProtectedItem | null,
): ErrorRecord | null {
  if (isTerminal(job.state)) return refuseAfterEnd(action, job, item);
  if (action !== 'restart' && intentsOf(job).includes(action)) return null;
  return notNow(action, job.itemName, job.phase);
}

function refuseAfterEnd(
  action: JobAction,
  job: Job,
  item: ProtectedItem | null,
): ErrorRecord | null {
  const isTakingUp = action === 'resume' || action === 'restart';
  const isUnfinished = job.operation === 'failback' && job.state !== 'succeeded';
  if (!isTakingUp || !isUnfinished || item === null) {
    return errorRecord('FB-REQ-007', { state: job.state, intent: action });
  }
  const { activeJobId, lastJobId = job.id, id: itemId, name: itemName } = item;
  if (activeJobId !== null && activeJobId !== job.id) {
    return errorRecord('FB-REQ-003', { itemName, jobId: activeJobId, itemId });
  }
  if (lastJobId !== job.id) return errorRecord('FB-REQ-032', { jobId: job.id, itemName, itemId });
  return refuseStart(action, item);
}
