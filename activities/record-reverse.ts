import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateItem } from './support/records.ts';

/** Keeps why the last delta towards Azure failed, for the health of the item; `null` = it did not. Idempotent. */
export const createRecordReverse = ({ stores }: StoreDeps): ActivityHandler<'recordReverse'> =>
  async function recordReverse({ itemId, error }) {
    await updateItem(stores, itemId, (item) => {
      const { reverseError: known, ...rest } = item;
      if (known?.message === error?.message) return item;
      return error === null ? rest : { ...rest, reverseError: error };
    });
    return null;
  };
