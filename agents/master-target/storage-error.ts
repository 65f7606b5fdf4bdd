import { FailbackError } from '../../shared/errors/failback-error.ts';

/** A full volume is a state of the site, not a defect: FB-JRN-004, which may pass. */
export function asJournalError(error: unknown): unknown {
  const isFull =
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  return isFull ? new FailbackError('FB-JRN-004', {}, { cause: error }) : error;
}
