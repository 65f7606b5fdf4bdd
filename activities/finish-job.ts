import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateItem, updateJob } from './support/records.ts';

/** Ends the job and frees the item for the next one. Idempotent. */
export const createFinishJob = ({ stores, clock }: StoreDeps): ActivityHandler<'finishJob'> =>
  async function finishJob({ jobId, itemId, state, error }) {
    const endedAt = clock.now().toISOString();
    await updateJob(stores, jobId, (job) =>
      job.endedAt === null ? { ...job, state, error, endedAt } : job,
    );
    await updateItem(stores, itemId, (item) => {
      if (item.activeJobId !== jobId) return item;
      // Once the machine is back in Azure its on-premises disks are no base any more.
      const stale = item.phase === 'failedOver' ? { base: {}, recoveryPoints: [] } : {};
      return { ...item, ...stale, activeJobId: null };
    });
    return null;
  };
