import { FailbackError } from '../../shared/errors/failback-error.ts';
import { withBackoff } from '../runtime/backoff.ts';
import type { ProgressMeter } from '../runtime/progress-meter.ts';
import type { CommandContext } from '../runtime/types.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;

/** A full volume is a state of the site, not a defect: FB-JRN-004, which may pass. */
export function asJournalError(error: unknown): unknown {
  const isFull =
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  return isFull ? new FailbackError('FB-JRN-004', {}, { cause: error }) : error;
}

/** Repeats the work while the retention volume is full, and shows that as health. */
export async function waitingForSpace<T>(
  work: () => Promise<T>,
  context: CommandContext,
  meter: ProgressMeter,
): Promise<T> {
  const { signal, log } = context;
  return withBackoff(
    async () => {
      try {
        return await work();
      } catch (error) {
        throw asJournalError(error);
      }
    },
    {
      firstMs: FIRST_PAUSE_MS,
      maxMs: MAX_PAUSE_MS,
      signal,
      isWorthRetrying: (error) => {
        const isFull = error instanceof FailbackError && error.code === 'FB-JRN-004';
        if (!isFull || signal.aborted) return false;
        log.warn('the retention volume is full');
        context.reportProgress({ ...meter.read('waiting for space'), health: error.toRecord() });
        return true;
      },
    },
  );
}
