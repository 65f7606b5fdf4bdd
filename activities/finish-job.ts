import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { BEYOND_RETURN } from '../shared/domain/phases.ts';
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
      // Back in Azure, the on-premises disks are no base any more.
      // Behind the commit the snapshots in Azure are gone, and the disks belong to the running machine.
      const isStale = item.phase === 'failedOver' || BEYOND_RETURN.includes(item.phase);
      const stale = isStale ? { base: {}, recoveryPoints: [] } : {};
      return { ...item, ...stale, activeJobId: null };
    });
    return null;
  };
