import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { lossError } from '../shared/domain/source-state.ts';
import { recordEvent } from '../shared/services/record-event.ts';
import type { StoreDeps } from './support/deps.ts';
import { appended, requireItem, updateJob } from './support/records.ts';

/**
 * Shows in the job that nothing is copied because of Azure, and since when. Answers with what the last sealed point
 * that is recorded stands for: the cycle may have failed behind its seal. Idempotent: of a loss that lasts there is one
 * line and one event.
 */
export const createNoteSourceLoss = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'noteSourceLoss'> =>
  async function noteSourceLoss({ jobId, itemId, kind, error }) {
    const item = await requireItem(stores, itemId);
    const shown = lossError(item, kind, error);
    const { code, message } = shown;
    const now = clock.now().toISOString();
    const { sourceLoss } = await updateJob(stores, jobId, (job) => {
      const known = job.sourceLoss?.kind === kind ? job.sourceLoss : null;
      if (known !== null) return { ...job, sourceLoss: { ...known, error: shown } };
      const line = { at: now, phase: job.phase, message: `${code} ${message}` };
      const history = appended(job.history, line);
      return { ...job, sourceLoss: { since: now, kind, error: shown }, history };
    });
    const at = sourceLoss?.since ?? now;
    const event = { kind: 'sourceLost', at, caller: 'system', jobId, itemId } as const;
    await recordEvent(stores, `${jobId}-${kind}`, { ...event, message, code });
    return { base: item.base };
  };
