import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { updateRecord } from '../shared/services/update-record.ts';
import type { StoreDeps } from './support/deps.ts';

/** Keeps what a preflight run found. The first result stays. */
export const createRecordPreflight = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'recordPreflight'> =>
  async function recordPreflight({ preflightId, result }) {
    const endedAt = clock.now().toISOString();
    const end = result.ok
      ? { report: result.value, error: null, endedAt }
      : { report: null, error: result.error, endedAt };
    await updateRecord(stores.preflights, preflightId, (run) =>
      run.endedAt === null ? { ...run, ...end } : run,
    );
    return null;
  };
