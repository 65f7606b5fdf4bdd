import { FailbackError } from '../errors/failback-error.ts';
import type { RecordStore } from '../ports/stores.ts';

const MAX_ATTEMPTS = 8;

/**
 * Reads, changes and writes a record, again when somebody else was faster. Returns what was written;
 * `null` when there is no such record. `change` may return the same object to leave it alone;
 * it also gets the ETag of what it changes.
 */
export async function updateRecord<T>(
  store: RecordStore<T>,
  id: string,
  change: (current: T, etag: string) => T,
): Promise<T | null> {
  for (let attempt = 1; ; attempt += 1) {
    const current = await store.get(id);
    if (current === null) return null;
    const next = change(current.value, current.etag);
    if (next === current.value) return next;
    try {
      await store.replace(next, current.etag);
      return next;
    } catch (error) {
      const isConflict = error instanceof FailbackError && error.code === 'FB-REQ-008';
      if (!isConflict || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
