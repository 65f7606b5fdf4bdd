import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { MAX_JOB_CYCLES } from '../shared/policy/limits.ts';
import type { StoreDeps } from './support/deps.ts';
import { keepRecoveryPoint } from './support/recovery-point-record.ts';
import { updateItem, updateJob } from './support/records.ts';

/** Notes a sealed recovery point: figures in the job, base and age in the item. Idempotent by pointId. */
export const createRecordCycle = ({ stores }: StoreDeps): ActivityHandler<'recordCycle'> =>
  async function recordCycle({ jobId, itemId, statistics, base, isRehearsal }) {
    const { pointId, takenAt } = statistics;
    if (!isRehearsal) {
      await keepRecoveryPoint(stores, {
        itemId,
        pointId,
        takenAt,
        place: 'onPremises',
        consistency: 'crashConsistent',
      });
      await updateItem(stores, itemId, (item) => ({ ...item, base, lastRecoveryPointAt: takenAt }));
    }
    await updateJob(stores, jobId, (job) =>
      job.cycles.some((cycle) => cycle.pointId === pointId)
        ? job
        : { ...job, cycles: [...job.cycles, statistics].slice(-MAX_JOB_CYCLES) },
    );
    return null;
  };
