import type { VsphereFacts } from '../../../../shared/contracts/site-facts.ts';
import type { InventoryObject, InventoryTables } from '../../inventory-tables.ts';
import type { VmRecord } from './discovery/records.ts';

type Datastore = InventoryObject<'datastore'>;
type DatastoreType = NonNullable<NonNullable<VsphereFacts['placement']>['datastoreType']>;

export function datastoreTypeOf(datastore: Datastore | null): DatastoreType | null {
  if (datastore === null) return null;
  const type = datastore.record.type.toLowerCase();
  if (type === 'vmfs') return 'VMFS';
  if (type.startsWith('nfs')) return 'NFS';
  return type === 'vsan' ? 'vSAN' : 'other';
}

/** Its own files do, and new disks of it would. */
export function isOnVsan(tables: InventoryTables, { vmxFile }: VmRecord): boolean | null {
  const name = /^\[([^\]]*)\] /.exec(vmxFile ?? '')?.[1] ?? '';
  const type = datastoreTypeOf(tables.named('datastore', name)[0] ?? null);
  return type === null ? null : type === 'vSAN';
}

/** Ids of the hosts that have it mounted for reading and writing. */
export function hostIdsOf({ record }: Datastore): string[] {
  return record.mounts
    .filter(({ isAccessible, isWritable }) => isAccessible && isWritable)
    .map(({ hostId }) => hostId);
}
