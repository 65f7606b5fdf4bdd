import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateItem } from './support/records.ts';

/** Notes which on-premises VM the item comes home to; `null` = the one that was made for it is gone again. Idempotent. */
export const createRecordTarget = ({ stores }: StoreDeps): ActivityHandler<'recordTarget'> =>
  async function recordTarget({ itemId, vmId }) {
    await updateItem(stores, itemId, (item) =>
      item.onPremisesVmId === vmId ? item : { ...item, onPremisesVmId: vmId },
    );
    return null;
  };
