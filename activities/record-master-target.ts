import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { describeChoice } from '../shared/domain/choose-master-target.ts';
import type { StoreDeps } from './support/deps.ts';
import { appended, updateItem, updateJob } from './support/records.ts';

/**
 * Binds the item to the master target that was chosen, and shows in the job why. Without a choice it is bound to
 * none, so that the way back does not wait for one that an earlier failback used. Idempotent.
 */
export const createRecordMasterTarget = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'recordMasterTarget'> =>
  async function recordMasterTarget({ jobId, itemId, choice }) {
    await updateItem(stores, itemId, ({ chosenMasterTarget: _before, ...item }) =>
      choice === null ? item : { ...item, chosenMasterTarget: choice.name },
    );
    if (choice === null) return null;
    const at = clock.now().toISOString();
    await updateJob(stores, jobId, (job) => ({
      ...job,
      report: { ...job.report, masterTarget: choice },
      history: appended(job.history, { at, phase: job.phase, message: describeChoice(choice) }),
    }));
    return null;
  };
