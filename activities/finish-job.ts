import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { bootSecondsOf } from '../shared/domain/failover-choice.ts';
import { endJob } from '../shared/domain/job-tasks.ts';
import type { Phase } from '../shared/domain/phases.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { unpinned } from '../shared/services/pin-point.ts';
import { recordEvent } from '../shared/services/record-event.ts';
import { updateRecord } from '../shared/services/update-record.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateJob } from './support/records.ts';

/** Ends the job and its open task, frees the item for the next one, and leaves it what was measured. Idempotent. */
export const createFinishJob = ({ stores, clock }: StoreDeps): ActivityHandler<'finishJob'> =>
  async function finishJob({ jobId, itemId, state, error }) {
    const at = clock.now().toISOString();
    const job = await updateJob(stores, jobId, (current) =>
      current.endedAt === null ? endJob(current, { state, at, error }) : current,
    );
    const bootSeconds = bootSecondsOf(job);
    const measured = bootSeconds === null ? {} : { bootSeconds };
    // One that was let go meanwhile has none any more.
    await updateRecord(stores.items, itemId, (item) =>
      item.activeJobId === jobId ? { ...free(item), ...measured } : item,
    );
    await recordEvent(stores, `${jobId}-end`, {
      kind: 'jobEnded',
      at: job.endedAt ?? at,
      caller: 'system',
      jobId,
      itemId,
      message: `The ${job.operation} of ${job.itemName} has ended: ${job.state}`,
      code: job.error?.code ?? null,
    });
    return null;
  };

/**
 * Back in Azure, the on-premises disks are no base any more. Behind the commit the snapshots in Azure are gone,
 * and the disks belong to the running machine. A commit that broke off is not behind it: whoever takes it up makes
 * the replica of the base.
 */
const BASE_IS_STALE: readonly Phase[] = [
  'failedOver',
  'waitingForAgent',
  'reverseReplicating',
  'protected',
];

function free(item: ProtectedItem): ProtectedItem {
  const stale = BASE_IS_STALE.includes(item.phase) ? { base: {}, recoveryPoints: [] } : {};
  const { sealing: _sealing, ...rest } = unpinned(item);
  return { ...rest, ...stale, activeJobId: null };
}
