import { newestFirst } from '../domain/newest-first.ts';
import { FailbackError } from '../errors/failback-error.ts';
import type { EventRecord, RecordStore } from '../ports/stores.ts';

type NewEvent = Pick<EventRecord, 'kind' | 'at' | 'caller' | 'message'> &
  Partial<Pick<EventRecord, 'itemId' | 'jobId' | 'planId' | 'runId' | 'code'>>;

/** A detail of an error may be long; a line of the log is one line. */
const MAX_MESSAGE_CHARACTERS = 1_000;

/**
 * Adds a line to the log. `key` makes it unique within its millisecond: whoever may run twice gives the same key
 * and time again, and the line that is there stays.
 */
export async function recordEvent(
  { events }: { readonly events: RecordStore<EventRecord> },
  key: string,
  event: NewEvent,
): Promise<void> {
  const { itemId = null, jobId = null, code = null } = event;
  const message = event.message.slice(0, MAX_MESSAGE_CHARACTERS);
  const id = `${newestFirst(event.at)}-${key}`;
  try {
    await events.create({ ...event, id, message, itemId, jobId, code });
  } catch (error) {
    if (!(error instanceof FailbackError && error.code === 'FB-REQ-008')) throw error;
  }
}
