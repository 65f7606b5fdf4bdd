import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';

/** The protected item as it stands; `null` when there is none. Reads only. */
export const createReadItem = ({ stores }: StoreDeps): ActivityHandler<'readItem'> =>
  async function readItem({ itemId }) {
    return (await stores.items.get(itemId))?.value ?? null;
  };
