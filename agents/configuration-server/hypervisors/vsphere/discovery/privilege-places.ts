import {
  ASKED_FOR_RDM,
  DISK_EXTEND,
  NOT_ASKED_IN_AVS,
  VSPHERE_PRIVILEGES,
} from '../../../../../shared/policy/preflight-limits.ts';
import type { VsphereHypervisorConfig } from '../../../config.ts';
import type { InventoryObject, InventoryTables } from '../../../inventory-tables.ts';
import { masterTargetVms } from '../master-target-vms.ts';
import type { MoRef } from '../vim/values.ts';
import type { VmRecord } from './records.ts';

export type PlacesConfig = Pick<
  VsphereHypervisorConfig,
  | 'siteKind'
  | 'datacenter'
  | 'datastore'
  | 'masterTarget'
  | 'masterTargets'
  | 'networks'
  | 'isolatedNetwork'
>;

/** An object that the account works with, and what it has to be allowed there. */
export interface PrivilegePlace {
  readonly ref: MoRef;
  /** For people. */
  readonly name: string;
  readonly privileges: readonly string[];
}

interface Named {
  readonly ref: MoRef;
  readonly name: string;
}

const AT_ROOT: readonly string[] = ['Global.Licenses'];
/** Of a VM that gets disks of others and gives them back. */
const AT_MASTER_TARGET: readonly string[] = [
  'VirtualMachine.Config.AddExistingDisk',
  'VirtualMachine.Config.AddRemoveDevice',
  'VirtualMachine.Config.RemoveDisk',
];
/** A host by itself has folders and datacenters too; there is no deeper one than that. */
const MAX_DEPTH = 50;

/**
 * Where the privileges are asked for: permissions pass down from the object that has the role, never up, so that each is
 * asked for on what it is used on. What is not in the inventory is asked for on the datacenter, and without one at the
 * root.
 */
export function privilegePlaces(
  tables: InventoryTables,
  config: PlacesConfig,
  rootFolder: MoRef,
): readonly PrivilegePlace[] {
  const isAsked = (id: string): boolean =>
    id !== DISK_EXTEND &&
    !ASKED_FOR_RDM.includes(id) &&
    (config.siteKind !== 'avs' || !NOT_ASKED_IN_AVS.includes(id));
  const asked = Object.values(VSPHERE_PRIVILEGES).flat().filter(isAsked);
  const of = (...areas: readonly string[]): readonly string[] =>
    asked.filter((id) => !AT_ROOT.includes(id) && areas.some((area) => id.startsWith(area)));
  const root = { ref: rootFolder, name: 'the root of the inventory' };
  const masterTargets = masterTargetObjects(tables, config);
  const hostIds = masterTargets.flatMap(({ record: { hostId } }) => hostId ?? []);
  const datacenter = datacenterOf(tables, config, hostIds);
  const above = datacenter ?? root;
  const orAbove = (found: readonly Named[]): readonly Named[] =>
    found.length > 0 ? found : [above];
  const at = (found: readonly Named[], privileges: readonly string[]): PrivilegePlace[] =>
    found.map(({ ref, name }) => ({ ref, name, privileges }));
  return [
    ...at(
      [root],
      asked.filter((id) => AT_ROOT.includes(id)),
    ),
    ...at([above], of('Global.')),
    ...at(orAbove(datacenter?.vmFolder ?? []), of('VirtualMachine.')),
    ...at(
      masterTargets.map((vm) => named('VirtualMachine', vm)),
      AT_MASTER_TARGET,
    ),
    ...at(orAbove(poolsOf(tables, hostIds)), of('Resource.')),
    ...at(orAbove(datastoresOf(tables, config, hostIds)), of('Datastore.')),
    ...at(orAbove(networksOf(tables, config, hostIds)), of('Network.')),
  ].filter(({ privileges }) => privileges.length > 0);
}

/** What is needed besides where a VM with a raw device mapping comes home. */
export function placesForRdm(
  tables: InventoryTables,
  config: PlacesConfig,
): readonly PrivilegePlace[] {
  return masterTargetObjects(tables, config).map((vm) => ({
    ...named('VirtualMachine', vm),
    privileges: ASKED_FOR_RDM,
  }));
}

function named(type: string, { id, record }: InventoryObject): Named {
  return { ref: { type, value: id }, name: record.name };
}

function masterTargetObjects(
  tables: InventoryTables,
  config: PlacesConfig,
): readonly (InventoryObject<'vm'> & { readonly record: VmRecord })[] {
  return masterTargetVms(config).flatMap((name) =>
    tables.named('vm', name).filter(({ record }) => !record.isTemplate),
  );
}

/** The one that new VMs are made in. */
function datacenterOf(
  tables: InventoryTables,
  { datacenter: name }: PlacesConfig,
  hostIds: readonly string[],
): (Named & { readonly vmFolder: readonly Named[] }) | null {
  const configured =
    name === undefined ? tables.all('datacenter') : tables.named('datacenter', name);
  const [only] = configured;
  const found = configured.length === 1 ? only : datacenterAbove(tables, hostIds[0] ?? '');
  if (found === undefined) return null;
  const own = named('Datacenter', found);
  const { vmFolderId } = found.record;
  const folder = {
    ref: { type: 'Folder', value: vmFolderId ?? '' },
    name: `the VMs of ${own.name}`,
  };
  return { ...own, vmFolder: vmFolderId === null ? [] : [folder] };
}

function datacenterAbove(
  tables: InventoryTables,
  hostId: string,
): InventoryObject<'datacenter'> | undefined {
  let id = hostId;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const datacenter = tables.find('datacenter', id);
    if (datacenter !== null) return datacenter;
    const kinds = ['host', 'compute', 'folder'] as const;
    const at = kinds.map((kind) => tables.find(kind, id)).find((each) => each !== null);
    id = at?.record.parentId ?? '';
  }
  return undefined;
}

function poolsOf(tables: InventoryTables, hostIds: readonly string[]): readonly Named[] {
  return tables.all('compute').flatMap(({ record: { name, resourcePoolId, hostIds: own } }) => {
    const isUsed = own.some((id) => hostIds.includes(id)) && resourcePoolId !== null;
    return isUsed
      ? [{ ref: { type: 'ResourcePool', value: resourcePoolId }, name: `the pool of ${name}` }]
      : [];
  });
}

/** Names are unique within a datacenter only: what no master target reaches is another one. */
function datastoresOf(
  tables: InventoryTables,
  { datastore: name }: PlacesConfig,
  hostIds: readonly string[],
): readonly Named[] {
  return tables
    .named('datastore', name)
    .filter(({ record: { mounts } }) => mounts.some(({ hostId }) => hostIds.includes(hostId)))
    .map((each) => named('Datastore', each));
}

function networksOf(
  tables: InventoryTables,
  { networks, isolatedNetwork }: PlacesConfig,
  hostIds: readonly string[],
): readonly Named[] {
  const reached = hostIds.flatMap((id) => tables.find('host', id)?.record.networkIds ?? []);
  const names = new Set([
    ...Object.values(networks),
    ...(isolatedNetwork === undefined ? [] : [isolatedNetwork]),
  ]);
  return [...names]
    .flatMap((name) => tables.named('network', name))
    .filter(({ id }) => reached.includes(id))
    .map((each) => {
      const isDistributed = each.record.portgroupKey !== null;
      return named(isDistributed ? 'DistributedVirtualPortgroup' : 'Network', each);
    });
}
