import type { DiskShape } from '../../../../shared/contracts/commands.ts';
import type { VsphereFacts } from '../../../../shared/contracts/site-facts.ts';
import type { InventoryTables } from '../../inventory-tables.ts';
import { datastoreTypeOf, isOnVsan } from './datastore-facts.ts';
import type { DiskRecord, VmRecord } from './discovery/records.ts';
import { type Pairing, pairDisks, slotOf } from './disk-slots.ts';

type OriginalFacts = NonNullable<VsphereFacts['originalVm']>;
type DiskFacts = NonNullable<OriginalFacts['disks']>[number];
type DiskMatch = NonNullable<OriginalFacts['matches']>[number];

/** Of the original VM, and where in it the disks of the machine are: `wanted`, where the question names them. */
export function originalFacts(
  tables: InventoryTables,
  vm: VmRecord,
  wanted: readonly DiskShape[] | undefined,
): OriginalFacts {
  return {
    biosUuid: vm.biosUuid,
    disks: vm.disks.map((disk) => diskFacts(tables, vm, disk)),
    matches: wanted === undefined ? null : matchesOf(vm, wanted),
    isOnVsan: isOnVsan(tables, vm),
  };
}

function diskFacts(tables: InventoryTables, vm: VmRecord, disk: DiskRecord): DiskFacts {
  const datastore = tables.find('datastore', disk.datastoreId ?? '');
  return {
    name: disk.label,
    datastore: datastore?.record.name ?? '',
    datastoreType: datastoreTypeOf(datastore),
    isRdm: disk.backing === 'rdmVirtual' || disk.backing === 'rdmPhysical',
    isDatastoreAccessible: datastore === null ? null : datastore.record.isAccessible,
    place: slotOf(vm, disk),
    sizeBytes: disk.sizeBytes,
  };
}

/** As a preparation will pair them, so that what it would refuse or make anew shows before. */
function matchesOf(vm: VmRecord, wanted: readonly DiskShape[]): DiskMatch[] {
  const pairing = pairDisks(vm, wanted);
  return wanted.map((shape) => ({ diskId: shape.id, match: matchOf(shape, pairing) }));
}

function matchOf(
  { id, sizeBytes }: DiskShape,
  { known, ambiguous, unfound }: Pairing,
): DiskMatch['match'] {
  const found = known.find(({ diskId }) => diskId === id);
  if (found !== undefined) return found.disk.sizeBytes === sizeBytes ? 'found' : 'otherSize';
  if (unfound.some((shape) => shape.id === id)) return 'unfound';
  return ambiguous.some((shape) => shape.id === id) ? 'ambiguous' : 'missing';
}
