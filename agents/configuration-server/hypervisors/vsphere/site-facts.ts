import { z } from 'zod';
import type { VsphereFacts } from '../../../../shared/contracts/site-facts.ts';
import type { SiteSubject } from '../../../../shared/ports/hypervisor.ts';
import type { VsphereHypervisorConfig } from '../../config.ts';
import type { InventoryTables } from '../../inventory-tables.ts';
import { datastoreTypeOf, hostIdsOf, isOnVsan } from './datastore-facts.ts';
import { masterTargetVm, masterTargetVms } from './master-target-vms.ts';
import { ISOLATED } from './new-vm.ts';
import type { HostRecord, VmRecord } from './discovery/records.ts';
import { originalFacts } from './original-facts.ts';

type Config = Pick<
  VsphereHypervisorConfig,
  'masterTarget' | 'masterTargets' | 'datastore' | 'siteKind'
>;

const serverSchema = z.object({ apiType: z.string(), instanceUuid: z.string().optional() });
const privilegesSchema = z.array(z.string()).nullable().default(null);
const accountSchema = z.object({
  missingPrivileges: privilegesSchema,
  missingForRdm: privilegesSchema,
});
const licenceSchema = z.object({ edition: z.string() });
const licencesSchema = z.object({
  all: z.array(licenceSchema),
  assigned: z.record(z.string(), licenceSchema),
});

/** What preflight asks of a vSphere site, from the inventory as it was read last. */
export function vsphereFacts(
  tables: InventoryTables,
  config: Config,
  subject: SiteSubject,
): VsphereFacts {
  const isRead = tables.observedAt() !== null;
  const server = serverSchema.safeParse(tables.fact('server')?.fact).data ?? null;
  const account = accountSchema.safeParse(tables.fact('account')?.fact).data ?? null;
  const masterTarget = masterTargetRecord(tables, masterTargetVm(config, subject.masterTarget));
  const original = originalVm(tables, subject);
  const asked = {
    management: managementOf(server, isRead, config),
    hostEdition: hostEdition(tables, config, { masterTarget, server }),
    missingPrivileges: missingPrivileges(account, original),
  };
  if (!isRead) return { ...asked, ...UNREAD };
  return {
    ...asked,
    canSeeDatastores: tables.all('datastore').length > 0,
    discoveredMasterTargetCount: masterTargetVms(config).filter(
      (name) => masterTargetRecord(tables, name) !== null,
    ).length,
    neededHosts: neededHosts(tables, [masterTarget, original]),
    originalVm: original === null ? null : originalFacts(tables, original, subject.disks),
    placement: placementFacts(tables, { config, masterTarget }, subject),
    masterTargets: candidates(tables, config, subject),
    masterTargetVm: masterTarget === null ? null : machineFacts(tables, masterTarget),
  };
}

/** Nobody but Microsoft reads the licences there; none of them is a free one. */
const EDITION_OF_AVS = 'azureVmwareSolution';

/** Of an inventory that was never read. */
const UNREAD = {
  canSeeDatastores: null,
  discoveredMasterTargetCount: null,
  neededHosts: null,
  originalVm: null,
  placement: null,
  masterTargets: null,
  masterTargetVm: null,
};

/** Of a site that nobody could look at for too long. */
export const UNKNOWN_FACTS: VsphereFacts = {
  management: null,
  hostEdition: null,
  missingPrivileges: null,
  ...UNREAD,
};

/** Templates are none. */
function masterTargetRecord(tables: InventoryTables, name: string | null): VmRecord | null {
  if (name === null) return null;
  return tables.named('vm', name).find(({ record }) => !record.isTemplate)?.record ?? null;
}

function missingPrivileges(
  account: z.output<typeof accountSchema> | null,
  original: VmRecord | null,
): VsphereFacts['missingPrivileges'] {
  const missing = account?.missingPrivileges ?? null;
  if (original?.disks.some(({ backing }) => backing === 'rdmVirtual') !== true) return missing;
  const forRdm = account?.missingForRdm ?? null;
  return missing === null || forRdm === null ? null : [...missing, ...forRdm];
}

type Server = z.output<typeof serverSchema> | null;

/** What is configured was compared with the server before. The inventory of a host by itself is read while facts are told. */
function managementOf(
  server: Server,
  isRead: boolean,
  { siteKind }: Config,
): VsphereFacts['management'] {
  if (siteKind === 'esxi') return { kind: 'standaloneHost', isDiscoveryFinished: isRead };
  if (server === null) return null;
  return { kind: 'vcenter', vcenterId: server.instanceUuid ?? null, isAvs: siteKind === 'avs' };
}

/** A host by itself has the licence of the server; hosts of a vCenter have their own. */
function hostEdition(
  tables: InventoryTables,
  { siteKind }: Config,
  { masterTarget, server }: { readonly masterTarget: VmRecord | null; readonly server: Server },
): string | null {
  if (siteKind === 'avs') return EDITION_OF_AVS;
  const licences = licencesSchema.safeParse(tables.fact('licences')?.fact).data;
  if (licences === undefined) return null;
  if (server?.apiType === 'HostAgent') return licences.all[0]?.edition ?? null;
  return licences.assigned[masterTarget?.hostId ?? '']?.edition ?? null;
}

/** Ids of VMs are instance UUIDs. One of the same name is another VM. */
function originalVm(tables: InventoryTables, { originalVmId }: SiteSubject): VmRecord | null {
  if (originalVmId === undefined) return null;
  const known = tables.all('vm').find(({ record }) => record.instanceUuid === originalVmId);
  return known?.record ?? tables.departed(originalVmId);
}

function neededHosts(
  tables: InventoryTables,
  vms: readonly (VmRecord | null)[],
): NonNullable<VsphereFacts['neededHosts']> {
  const ids = new Set(vms.flatMap((vm) => vm?.hostId ?? []));
  return [...ids].map((id) => {
    const host = tables.find('host', id)?.record;
    const isDiscovered = host?.isConnected === true;
    return { name: host?.name ?? id, isDiscovered, isInMaintenance: host?.isInMaintenance ?? null };
  });
}

/** As a place for VMs: in maintenance mode none starts. */
function isAvailable({ isConnected, isInMaintenance }: HostRecord): boolean {
  return isConnected && !isInMaintenance;
}

/** A new VM is made on the host of the master target. */
function placementFacts(
  tables: InventoryTables,
  { config, masterTarget }: { readonly config: Config; readonly masterTarget: VmRecord | null },
  subject: SiteSubject,
): NonNullable<VsphereFacts['placement']> {
  const { datastore: name = config.datastore } = subject;
  const hostId = masterTarget?.hostId ?? null;
  // Of several of one name the one that the host reaches is meant, as when the VM is made.
  const named = tables.named('datastore', name);
  const isReached = (each: (typeof named)[number]): boolean =>
    hostIdsOf(each).includes(hostId ?? '');
  const datastore = named.find(isReached) ?? named[0] ?? null;
  return {
    hostName: tables.find('host', hostId ?? '')?.record.name ?? null,
    datastore: name,
    datastoreType: datastoreTypeOf(datastore),
    datastoreHostIds: datastore === null ? null : hostIdsOf(datastore),
    isNameTaken: hostId === null ? null : isNameTaken(tables, hostId, subject),
  };
}

/** By another VM on that host: not by an original VM that leaves the inventory, nor by what a rehearsal left behind. */
function isNameTaken(
  tables: InventoryTables,
  hostId: string,
  { vmName, newVmName = vmName, originalVmId }: SiteSubject,
): boolean {
  return tables.named('vm', newVmName).some(({ record }) => {
    const isOriginal = originalVmId !== undefined && record.instanceUuid === originalVmId;
    const isScratch = record.settings[ISOLATED] === 'true';
    return record.hostId === hostId && !isOriginal && !isScratch;
  });
}

/** Those that were asked for by name. One master target that was never named is none to choose. */
function candidates(
  tables: InventoryTables,
  config: Config,
  { masterTargets: names = [] }: SiteSubject,
): NonNullable<VsphereFacts['masterTargets']> {
  return names.flatMap((name) => {
    const vm = masterTargetRecord(tables, config.masterTargets[name] ?? null);
    if (vm === null) return [];
    const host = tables.find('host', vm.hostId ?? '');
    return [
      {
        name,
        hostName: host?.record.name ?? null,
        isHostConnected: host === null ? null : isAvailable(host.record),
        ownDiskCount: ownDiskCount(tables, vm),
        ...machineFacts(tables, vm),
      },
    ];
  });
}

/** Disks of other machines that it holds stand in the settings of those too. */
function ownDiskCount(tables: InventoryTables, vm: VmRecord): number {
  const others = tables.all('vm').filter(({ record }) => record.instanceUuid !== vm.instanceUuid);
  const foreign = new Set(others.flatMap(({ record }) => record.disks.map(({ file }) => file)));
  return vm.disks.filter(({ file }) => !foreign.has(file)).length;
}

function visibleDatastores(tables: InventoryTables, { hostId }: VmRecord): string[] {
  return tables
    .all('datastore')
    .filter((datastore) => hostIdsOf(datastore).includes(hostId ?? ''))
    .map(({ record }) => record.name);
}

function machineFacts(
  tables: InventoryTables,
  vm: VmRecord,
): NonNullable<VsphereFacts['masterTargetVm']> {
  const setting = Object.entries(vm.settings).find(
    ([name]) => name.toLowerCase() === 'disk.enableuuid',
  );
  return {
    hostId: vm.hostId,
    biosUuid: vm.biosUuid,
    snapshotCount: vm.snapshots.length,
    diskEnableUuid: setting?.[1] ?? '',
    hasVmwareTools: vm.toolsState === 'unknown' ? null : vm.toolsState === 'running',
    isOnVsan: isOnVsan(tables, vm),
    visibleDatastores: visibleDatastores(tables, vm),
  };
}
