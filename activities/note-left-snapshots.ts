import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { errorRecord } from '../shared/errors/failback-error.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateJob } from './support/records.ts';

/** Shows in the job and in the cycle that snapshots which are not needed any more are still there. Idempotent. */
export const createNoteLeftSnapshots = ({
  stores,
}: StoreDeps): ActivityHandler<'noteLeftSnapshots'> =>
  async function noteLeftSnapshots({ jobId, pointId, error: { code, message } }) {
    await updateJob(stores, jobId, (job) => {
      const reason = `${code} ${message}`.replace(/\.$/, '');
      const left = errorRecord('FB-AZ-011', { itemName: job.itemName, reason });
      const cycles = job.cycles.map((cycle) =>
        cycle.pointId === pointId && !cycle.reasons.includes(left.message)
          ? { ...cycle, reasons: [...cycle.reasons, left.message] }
          : cycle,
      );
      return { ...job, cycles, leftSnapshots: left };
    });
    return null;
  };
