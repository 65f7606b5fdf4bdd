import {
  type ProtectedItem,
  type RecoveryPoint,
  resolveRecoveryPoint,
} from '../domain/protected-item.ts';
import type { ItemStore } from '../ports/stores.ts';
import { updateRecord } from './update-record.ts';

/**
 * From now on every seal of the item leaves that point, and the way back to it, at the master target. An item has one
 * such point; the last word counts. Gives the item as it is now; `null` = it is gone. A seal that began before may not
 * know of it: see `isPinSafe`.
 */
export async function pinPoint(
  items: ItemStore,
  itemId: string,
  pointId: string,
): Promise<ProtectedItem | null> {
  return updateRecord(items, itemId, (item) =>
    item.pinnedPointId === pointId ? item : { ...item, pinnedPointId: pointId },
  );
}

/** Pins the older point that a failover was asked for, if the item has it. The newest ones need no pin. */
export async function pinChoice(
  items: ItemStore,
  item: ProtectedItem,
  recoveryPoint: string,
): Promise<RecoveryPoint | null> {
  const point = resolveRecoveryPoint(item, recoveryPoint);
  const isOlder = recoveryPoint !== 'latest' && recoveryPoint !== 'latestProcessed';
  if (point !== null && isOlder) await pinPoint(items, item.id, point.pointId);
  return point;
}

/** Nobody goes back to its older point any more: the next seal may drop it. */
export function unpinned(item: ProtectedItem): ProtectedItem {
  if (item.pinnedPointId === undefined) return item;
  const { pinnedPointId: _pinned, ...rest } = item;
  return rest;
}
