import { FailbackError } from '../../shared/errors/failback-error.ts';
import { withBackoff } from '../runtime/backoff.ts';
import { codeOf } from '../runtime/error-code.ts';
import type { ProgressMeter } from '../runtime/progress-meter.ts';
import type { CommandContext } from '../runtime/types.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;
/** What storage failed at once, it may do the next time. What it fails at for so long, it needs a person for. */
const STORAGE_PATIENCE_MS = 15 * 60_000;
/** The command ends with what held it up, before the control plane gives it up without a reason. */
const LAST_WORDS_MS = 30_000;

/** What Linux answers for storage that is broken, gone, read-only or silent, also behind NFS and iSCSI. */
const FAILURES: readonly string[] = ['EIO', 'ENXIO', 'EROFS', 'ETIMEDOUT', 'EREMOTEIO'];

/** No room is left where the file lies. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
}

/**
 * A full volume is a state of the site, not a defect: FB-JRN-004, which may pass; and so may FB-JRN-015. Whoever uses
 * another volume than the journal's says so itself (FB-JRN-014, `asStorageFailure`).
 */
export function asJournalError(error: unknown, volume: string): unknown {
  if (isFull(error)) return new FailbackError('FB-JRN-004', { volume }, { cause: error });
  return asStorageFailure(error, { place: `the retention volume (${volume})` });
}

/** FB-JRN-015 for what storage answers that cannot do its work; every other error as it is. */
export function asStorageFailure(
  error: unknown,
  at: { readonly place: string; readonly operation?: string },
): unknown {
  const reason = codeOf(error);
  if (!FAILURES.includes(reason)) return error;
  const values = { operation: systemCallOf(error), ...at, reason };
  return new FailbackError('FB-JRN-015', values, { cause: error });
}

function systemCallOf(error: unknown): string {
  const isNamed = typeof error === 'object' && error !== null && 'syscall' in error;
  return isNamed ? String(error.syscall) : 'an operation';
}

/** True for what ends by itself once there is room again, here or on the storage of a disk. */
export function isWantOfSpace(error: unknown): error is FailbackError {
  return (
    error instanceof FailbackError && (error.code === 'FB-JRN-004' || error.code === 'FB-JRN-014')
  );
}

/** True for what is waited for here: want of space, and storage that may answer the next time. */
export function isPassing(error: unknown): error is FailbackError {
  return isWantOfSpace(error) || (error instanceof FailbackError && error.code === 'FB-JRN-015');
}

export interface StorageWait {
  readonly context: CommandContext;
  readonly meter: ProgressMeter;
  /** Where the journal lies, for people to read. */
  readonly volume: string;
  /** Gives back what can be given back, before every pause. */
  readonly makeRoom?: (() => Promise<void>) | undefined;
}

/**
 * Repeats the work while there is no room for it, or the storage fails for less than a quarter of an hour, and shows that
 * as health. The work begins at what was durable before: after a failed sync nothing that was written since is believed.
 * `attempt` counts from 0.
 */
export async function waitingForStorage<T>(
  work: (attempt: number) => Promise<T>,
  { context, meter, volume, makeRoom }: StorageWait,
): Promise<T> {
  const { signal, log, deadlineAtMs } = context;
  let attempts = 0;
  let failingSinceMs: number | null = null;
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
        const now = Date.now();
        if (!isPassing(error) || signal.aborted || now > deadlineAtMs - LAST_WORDS_MS) return false;
        failingSinceMs = isWantOfSpace(error) ? null : (failingSinceMs ?? now);
        if (failingSinceMs !== null && now - failingSinceMs >= STORAGE_PATIENCE_MS) return false;
        const step = failingSinceMs === null ? 'waiting for space' : 'waiting for the storage';
        log.warn(step, { reason: error.message });
        context.reportProgress({ ...meter.read(step), health: error.toRecord() });
        return true;
      },
    },
  );
}
