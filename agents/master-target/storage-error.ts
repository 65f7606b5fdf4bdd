import { FailbackError } from '../../shared/errors/failback-error.ts';
import { withBackoff } from '../runtime/backoff.ts';
import { codeOf } from '../runtime/error-code.ts';
import type { ProgressMeter } from '../runtime/progress-meter.ts';
import type { CommandContext } from '../runtime/types.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;

/** No room is left where the file lies. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
}

/**
 * A full volume is a state of the site, not a defect: FB-JRN-004, which may pass. Whoever writes to another volume than
 * the journal's says so itself (FB-JRN-014).
 */
export function asJournalError(error: unknown, volume: string): unknown {
  return isFull(error) ? new FailbackError('FB-JRN-004', { volume }, { cause: error }) : error;
}

/** True for what ends by itself once there is room again, here or on the storage of a disk. */
export function isWantOfSpace(error: unknown): error is FailbackError {
  return (
    error instanceof FailbackError && (error.code === 'FB-JRN-004' || error.code === 'FB-JRN-014')
  );
}

export interface SpaceWait {
  readonly context: CommandContext;
  readonly meter: ProgressMeter;
  /** Where the journal lies, for people to read. */
  readonly volume: string;
  /** Gives back what can be given back, before every pause. */
  readonly makeRoom?: (() => Promise<void>) | undefined;
}

/** Repeats the work while there is no room for it, and shows that as health. `attempt` counts from 0. */
export async function waitingForSpace<T>(
  work: (attempt: number) => Promise<T>,
  { context, meter, volume, makeRoom }: SpaceWait,
): Promise<T> {
  const { signal, log } = context;
  let attempts = 0;
  return withBackoff(
    async () => {
      try {
        return await work(attempts++);
      } catch (error) {
        const known = asJournalError(error, volume);
        if (isWantOfSpace(known)) await makeRoom?.();
        throw known;
      }
    },
    {
      firstMs: FIRST_PAUSE_MS,
      maxMs: MAX_PAUSE_MS,
      signal,
      isWorthRetrying: (error) => {
        if (!isWantOfSpace(error) || signal.aborted) return false;
        log.warn('there is no room', { reason: error.message });
        context.reportProgress({ ...meter.read('waiting for space'), health: error.toRecord() });
        return true;
      },
    },
  );
}
