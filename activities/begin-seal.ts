import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateItem } from './support/records.ts';

/**
 * Notes on the item that the point is being sealed, and gives the pinned point to keep. The first word counts: with it
 * the seal may be under way already. Idempotent by pointId.
 */
export const createBeginSeal = ({
  stores,
}: Pick<StoreDeps, 'stores'>): ActivityHandler<'beginSeal'> =>
  async function beginSeal({ itemId, pointId }) {
    const { sealing } = await updateItem(stores, itemId, (item) =>
      item.sealing?.pointId === pointId
        ? item
        : { ...item, sealing: { pointId, keepPointId: item.pinnedPointId ?? null } },
    );
    return { keepPointId: sealing?.keepPointId ?? null };
  };
