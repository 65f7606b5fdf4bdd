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

/** `<item>.<newest first>-<point>`: what is known of the points of one machine lies together, newest first. */
export function recoveryPointId(itemId: string, point: PointInTime): string {
  return `${itemId}.${orderOfPoint(point)}`;
}

/** What to sort the points of one machine by. */
export function orderOfPoint({ takenAt, pointId }: PointInTime): string {
  return `${newestFirst(takenAt)}-${pointId}`;
}

interface PointInTime {
  readonly takenAt: string;
  readonly pointId: string;
}

/** Earlier versions kept the points of all machines in one partition, without the machine in their ids. */
const EARLIER = 'point';

/** Where such a record lies: the machine, and the rest of the id, which sorts newest first. */
export function keysOfPoint(id: string): { readonly itemId: string; readonly rowKey: string } {
  const dot = id.indexOf('.');
  return { itemId: dot === -1 ? EARLIER : id.slice(0, dot), rowKey: id.slice(dot + 1) };
}
