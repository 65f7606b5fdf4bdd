/** Milliseconds that any date of ours stays below; subtracting makes newer ids sort first. */
const END_OF_TIME_MS = 9_999_999_999_999;

/** As in the ids of jobs: `<prefix>-<this>-<what makes it unique>`. Base 36, of one length until the year 2197. */
export function newestFirstShort(at: Date): string {
  return (END_OF_TIME_MS - at.getTime()).toString(36);
}

/** What to begin an id with, so that a list in the order of ids has the newest first: 13 digits. */
export function newestFirst(at: string | Date): string {
  return String(END_OF_TIME_MS - new Date(at).getTime()).padStart(13, '0');
}

/**
 * What to sort a job by: `fb-…` and `rh-…` without their beginnings, which say what they are and not how old. Jobs of
 * both kinds then come newest first in one list.
 */
export function orderOfJob(id: string): string {
  return id.replace(/^(fb|rh)-(.+)$/, '$2-$1');
}
