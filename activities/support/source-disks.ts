import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import type { SnapshotRequest } from '../../shared/ports/azure.ts';

/** The disks of the item as the ports name them. */
export function sourceDisks({ disks }: Pick<ProtectedItem, 'disks'>): SnapshotRequest['disks'] {
  return disks.map(({ id, diskName, kind = 'managedDisk' }) => ({ id, diskName, kind }));
}
