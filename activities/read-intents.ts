import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireJob } from './support/records.ts';

/** What the operator asked for so far. Reads only. */
export const createReadIntents = ({ stores }: StoreDeps): ActivityHandler<'readIntents'> =>
  async function readIntents({ jobId }) {
    return (await requireJob(stores, jobId)).intents;
  };
