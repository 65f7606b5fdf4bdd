import type { VimData } from '../vim/values.ts';
import {
  COMPUTE,
  DATACENTER,
  DATASTORE,
  HOST,
  NAMED,
  NETWORK,
  PORTGROUP,
  type Readers,
} from './property-readers.ts';
import type { InventoryKind, RecordByKind } from './records.ts';
import { VM } from './vm-readers.ts';

interface TypeReaders {
  readonly kind: InventoryKind;
  readonly readers: Readonly<Record<string, (value: VimData | undefined) => object>>;
}

function of<K extends InventoryKind>(kind: K, readers: Readers<RecordByKind[K]>): TypeReaders {
  return { kind, readers };
}

/** The server's types that discovery reads. A subtype lists all it needs, because the nearest entry counts. */
export const TYPES_READ: Readonly<Record<string, TypeReaders>> = {
  Datacenter: of('datacenter', DATACENTER),
  Folder: of('folder', NAMED),
  ComputeResource: of('compute', COMPUTE),
  ClusterComputeResource: of('compute', COMPUTE),
  HostSystem: of('host', HOST),
  Datastore: of('datastore', DATASTORE),
  Network: of('network', NETWORK),
  DistributedVirtualPortgroup: of('network', PORTGROUP),
  VirtualMachine: of('vm', VM),
};

/** Property paths by type. */
export const PATHS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(TYPES_READ).map(([type, { readers }]) => [type, Object.keys(readers)]),
);

/** The parts of a record that these properties say something about. */
export function readChanges(
  type: string,
  properties: ReadonlyMap<string, VimData | undefined>,
): { readonly kind: InventoryKind; readonly changes: object } | null {
  const known = TYPES_READ[type];
  if (known === undefined) return null;
  const changes = {};
  for (const [path, value] of properties) Object.assign(changes, known.readers[path]?.(value));
  return { kind: known.kind, changes };
}

/** A whole record: what the server did not say is as if it were not there. */
export function readRecord<K extends InventoryKind>(
  type: string,
  properties: ReadonlyMap<string, VimData | undefined>,
): RecordByKind[K] {
  const paths = PATHS[type] ?? [];
  const whole = new Map(paths.map((path) => [path, properties.get(path)]));
  return { ...readChanges(type, whole)?.changes } as unknown as RecordByKind[K];
}
