import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { changeBytesPerDay } from '../shared/domain/change-rate.ts';
import type { CycleStatistics, Job } from '../shared/domain/job.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { MAX_JOB_CYCLES } from '../shared/policy/limits.ts';
import type { StoreDeps } from './support/deps.ts';
import { keepRecoveryPoint } from './support/recovery-point-record.ts';
import { appended, updateItem, updateJob } from './support/records.ts';

/** Notes a sealed recovery point: figures in the job, base and age in the item. Idempotent by pointId. */
export const createRecordCycle = ({ stores }: StoreDeps): ActivityHandler<'recordCycle'> =>
  async function recordCycle(input) {
    const { jobId, itemId, statistics, base, retainedPointIds, isRehearsal } = input;
    const { pointId, takenAt, consistency, consistencyReason: reason, groupPointId } = statistics;
    const marks = {
      ...(reason === undefined ? {} : { reason }),
      ...(groupPointId === undefined ? {} : { groupPointId }),
    };
    const { cycles } = await updateJob(stores, jobId, (job) =>
      job.cycles.some((cycle) => cycle.pointId === pointId)
        ? job
        : {
            ...back(tried(job, statistics), takenAt),
            cycles: [...job.cycles, statistics].slice(-MAX_JOB_CYCLES),
          },
    );
    if (!isRehearsal) {
      const perDay = changeBytesPerDay(cycles, new Date(takenAt));
      const measured = perDay === null ? {} : { changeBytesPerDay: perDay };
      await keepRecoveryPoint(stores, {
        itemId,
        pointId,
        takenAt,
        place: 'onPremises',
        consistency,
        ...marks,
      });
      const point = { pointId, takenAt, consistency, ...marks };
      await updateItem(stores, itemId, (item) => {
        const others = (item.recoveryPoints ?? []).filter((known) => known.pointId !== pointId);
        const recoveryPoints = [...others, point].filter((known) =>
          retainedPointIds.includes(known.pointId),
        );
        const sealed = afterSeal(item, pointId, retainedPointIds);
        return { ...sealed, ...measured, base, lastRecoveryPointAt: takenAt, recoveryPoints };
      });
    }
    return null;
  };

/** The seal has ended. A pin of what is not there any more holds nothing. */
function afterSeal(
  { sealing, pinnedPointId, ...item }: ProtectedItem,
  pointId: string,
  retainedPointIds: readonly string[],
): ProtectedItem {
  const isOther = sealing !== undefined && sealing.pointId !== pointId;
  const isThere = pinnedPointId !== undefined && retainedPointIds.includes(pinnedPointId);
  return { ...item, ...(isOther ? { sealing } : {}), ...(isThere ? { pinnedPointId } : {}) };
}

/** Behind this point snapshots are removed once more, unless it is the last before the boot. */
function tried(job: Job, { kind }: Pick<CycleStatistics, 'kind'>): Job {
  const { leftSnapshots, ...rest } = job;
  return leftSnapshots === undefined || kind === 'final' ? job : rest;
}

/** A cycle that went well is the end of every loss. */
function back(job: Job, at: string): Job {
  const { sourceLoss, ...rest } = job;
  if (sourceLoss === undefined) return job;
  const what =
    sourceLoss.kind === 'changed' ? 'The disks are those that come home' : 'Azure is back';
  const message = `${what}: a recovery point was taken`;
  return { ...rest, history: appended(job.history, { at, phase: job.phase, message }) };
}
