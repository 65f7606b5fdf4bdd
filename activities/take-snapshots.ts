import type { ActivityHandler, GrownDisk } from '../shared/contracts/activities.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { MAX_DISK_BYTES } from '../shared/policy/preflight-limits.ts';
import type { SnapshotsTaken } from '../shared/ports/azure.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';
import { sourceDisks } from './support/source-disks.ts';

/**
 * All disks at one instant, as far as Azure can, and which of them grew. Run again with the same point it finds what it
 * took. FB-DATA-002 for a disk that is smaller than was recorded: it is another one. FB-PRE-024 for one that grew beyond
 * what has a way back.
 */
export const createTakeSnapshots = ({
  stores,
  snapshots,
}: Pick<ActivityDeps, 'stores' | 'snapshots'>): ActivityHandler<'takeSnapshots'> =>
  async function takeSnapshots(input) {
    const { itemId, pointId, consistency = 'crashConsistent', isOneInstantWanted = false } = input;
    const item = await requireItem(stores, itemId);
    const { resourceGroup, vmName } = item;
    const disks = sourceDisks(item);
    const point = { itemId, pointId, consistency, isOneInstantWanted };
    const request = { resourceGroup, vmName, disks, ...point };
    const { takenAt, sizes, ...taken } = await snapshots.take(request);
    const grown = grownDisks(item, sizes);
    return {
      takenAt: takenAt.toISOString(),
      ...taken,
      ...(grown.length === 0 ? {} : { grown }),
    };
  };

function grownDisks({ disks }: ProtectedItem, sizes: SnapshotsTaken['sizes']): GrownDisk[] {
  return disks.flatMap(({ id: diskId, diskName, sizeBytes: fromBytes }) => {
    const toBytes = sizes[diskId] ?? fromBytes;
    if (toBytes === fromBytes) return [];
    if (toBytes < fromBytes) {
      throw new FailbackError('FB-DATA-002', { actualBytes: toBytes, neededBytes: fromBytes });
    }
    if (toBytes > MAX_DISK_BYTES) {
      const values = { diskName, actual: toBytes, needed: MAX_DISK_BYTES };
      throw new FailbackError('FB-PRE-024', values);
    }
    return [{ diskId, fromBytes, toBytes }];
  });
}
