import { FailbackError } from '../../shared/errors/failback-error.ts';
import { PRUNE_CONCURRENCY } from '../../shared/policy/limits.ts';
import type { RecordStore, Versioned } from '../../shared/ports/stores.ts';
import { inChunks } from '../../shared/services/in-chunks.ts';

/** How many were removed. One that was written meanwhile is in use, and stays. */
export async function removeAll<T extends { readonly id: string }>(
  store: RecordStore<T>,
  records: readonly Versioned<T>[],
): Promise<number> {
  const removed = await inChunks(records, PRUNE_CONCURRENCY, async ({ value, etag }) => {
    try {
      await store.delete(value.id, etag);
      return true;
    } catch (error) {
      if (error instanceof FailbackError && error.code === 'FB-REQ-008') return false;
      throw error;
    }
  });
  return removed.filter(Boolean).length;
}
