import type { CommandName, CommandOutput } from '../../shared/contracts/commands.ts';
import type { HyperVFacts, VsphereFacts } from '../../shared/contracts/site-facts.ts';
import type { OriginalVmUse } from '../../shared/domain/job.ts';
import type { FactSections } from '../../shared/domain/preflight/facts.ts';
import type { Known } from '../../shared/domain/preflight/facts/known.ts';
import type { HyperVSite, VsphereSite } from '../../shared/domain/preflight/facts/site.ts';
import type { MasterTargetSection } from '../../shared/domain/preflight/facts/master-target.ts';
import type { PreflightOperation } from '../../shared/domain/preflight/gathered.ts';
import { originalVmIdOf, type ProtectedItem } from '../../shared/domain/protected-item.ts';

/** What an agent told, and by how many seconds its clock is off. */
export interface Answer<N extends CommandName> {
  readonly told: CommandOutput<N>;
  readonly clockSkewSeconds: Known<number>;
}

type SiteAnswer = CommandOutput<'describeSite'>;
type MasterTargetAnswer = CommandOutput<'verifyMasterTarget'>;

export function configurationServerSection(
  item: ProtectedItem,
  site: Answer<'describeSite'> | null,
  now: Date,
): FactSections['configurationServer'] {
  const told = site?.told.configurationServer ?? null;
  if (site === null || told === null) return null;
  return {
    id: item.target.configurationServer,
    version: told.version,
    address: told.address,
    knowsItem: told.knowsItem,
    backup: told.backup?.kind === 'taken' ? agedBackup(told.backup.takenAt, now) : told.backup,
    backupSchedule: told.backupSchedule,
    clockSkewSeconds: site.clockSkewSeconds,
  };
}

function agedBackup(takenAt: string, now: Date): { kind: 'taken'; ageSeconds: number } {
  return { kind: 'taken', ageSeconds: secondsSince(takenAt, now) };
}

/** Whole seconds; a moment to come counts as now. */
export function secondsSince(at: string, now: Date): number {
  return Math.max(0, Math.round((now.getTime() - Date.parse(at)) / 1000));
}

export function siteSection(site: SiteAnswer): NonNullable<FactSections['site']> {
  const { hypervisor: kind, isConnected } = site;
  switch (kind) {
    case 'local':
      return { kind, isConnected };
    case 'vsphere':
      return { kind, isConnected, ...vsphereFacts(site.vsphere ?? UNREAD_VSPHERE) };
    case 'hyperv':
      return { kind, isConnected, ...hyperVFacts(site.hyperv ?? UNREAD_HYPERV) };
  }
}

/** A driver that tells nothing of its own. */
const UNREAD_VSPHERE = {
  management: null,
  hostEdition: null,
  canSeeDatastores: null,
  missingPrivileges: null,
  discoveredMasterTargetCount: null,
  neededHosts: null,
};
const UNREAD_HYPERV = { virtualSwitches: null, neededSwitches: null };

function vsphereFacts({
  management,
  hostEdition,
  canSeeDatastores,
  missingPrivileges,
  discoveredMasterTargetCount,
  neededHosts,
}: Pick<VsphereFacts, keyof typeof UNREAD_VSPHERE>): Omit<VsphereSite, 'kind' | 'isConnected'> {
  const account = { canSeeDatastores, missingPrivileges };
  return { management, hostEdition, account, discoveredMasterTargetCount, neededHosts };
}

function hyperVFacts({
  virtualSwitches,
  neededSwitches,
}: Pick<HyperVFacts, keyof typeof UNREAD_HYPERV>): Omit<HyperVSite, 'kind' | 'isConnected'> {
  return { virtualSwitches, neededSwitches };
}

/** A hypervisor that is not connected shows no VM: that says nothing about where the machine will live. */
export function locationSection(
  site: SiteAnswer,
  wishes: {
    readonly operation: PreflightOperation;
    readonly originalVm: OriginalVmUse;
    readonly item: ProtectedItem;
  },
): FactSections['location'] {
  const { originalVm, isConnected } = site;
  if (!isConnected) return null;
  if (wishes.operation === 'rehearsal') return rehearsalLocation(site);
  if (originalVm === null || wishes.originalVm === 'unregister') {
    return alternateLocation(site, wishes.item);
  }
  const { vmId, snapshotCount, firmware, diskCount, isRegistered, powerState: power } = originalVm;
  const storage = originalStorage(site);
  // Where disks are, blocks are compared and only those that differ travel.
  const hasSeed = diskCount > 0;
  const vm = { vmId, isRegistered, power, snapshotCount, firmware };
  return { kind: 'original', ...vm, hasSeed, storage };
}

/** One that is outside of the inventory already stays there; one that is in it is to leave it. */
function alternateLocation(site: SiteAnswer, item: ProtectedItem): Location<'alternate'> {
  const { originalVm, freeBytes } = site;
  const storage = alternateStorage(site);
  const leaving = originalVm?.isRegistered === true ? originalVm : null;
  return {
    kind: 'alternate',
    doesOriginalExist: originalVm === null ? isElsewhere(item) : false,
    leavingOriginal: leaving === null ? 'none' : leaving.powerState,
    freeBytes,
    storage,
  };
}

/**
 * Of an original VM that was not found. One that was looked for by the id that somebody gave is gone. By its name it is
 * not: it may have been renamed. Nor by the id of what was prepared last, which may have been a VM that we made.
 */
function isElsewhere(item: ProtectedItem): Known<boolean> {
  const { target, failoverRecord } = item;
  if (target.vmId !== undefined && originalVmIdOf(item) === target.vmId) return false;
  const isGone = failoverRecord?.isOriginalVmGone;
  return isGone === undefined ? null : !isGone;
}

/** As the configuration server decides whether the disks of the original VM are copied. */
function rehearsalLocation(site: SiteAnswer): Location<'rehearsal'> {
  const { originalVm, freeBytes } = site;
  const original = originalVm?.isRegistered === true ? originalVm : null;
  const originalSnapshotCount = original?.snapshotCount ?? 0;
  const hasSeed =
    original?.powerState === 'off' && original.diskCount > 0 && originalSnapshotCount === 0;
  const storage = alternateStorage(site);
  return { kind: 'rehearsal', originalSnapshotCount, hasSeed, freeBytes, storage };
}

type Location<K> = Extract<NonNullable<FactSections['location']>, { kind: K }>;

function alternateStorage({
  hypervisor: kind,
  vsphere,
  hyperv,
}: SiteAnswer): Location<'alternate'>['storage'] {
  const unread = {
    hostName: null,
    datastore: null,
    datastoreType: null,
    datastoreHostIds: null,
    isNameTaken: null,
  };
  switch (kind) {
    case 'local':
      return { kind };
    case 'vsphere':
      return { kind, ...(vsphere?.placement ?? unread) };
    case 'hyperv':
      return { kind, isAlternateHost: hyperv?.isAlternateHost ?? null };
  }
}

function originalStorage({
  hypervisor: kind,
  vsphere,
}: SiteAnswer): Location<'original'>['storage'] {
  if (kind !== 'vsphere') return { kind };
  const unread = { biosUuid: null, disks: null, matches: null, isOnVsan: null };
  return { kind, ...(vsphere?.originalVm ?? unread) };
}

export function masterTargetSection(
  { told, clockSkewSeconds }: Answer<'verifyMasterTarget'>,
  site: SiteAnswer | null,
): NonNullable<FactSections['masterTarget']> {
  const { version, osType, retentionVolume, attachedDiskCount } = told;
  return {
    version,
    osType,
    retentionFreeBytes: retentionVolume.freeBytes,
    isRetentionWritable: retentionVolume.isWritable,
    isRetentionSeparateVolume: retentionVolume.isSeparateVolume,
    attachedDiskCount,
    clockSkewSeconds,
    machine: site === null ? null : machineOf(told, site),
  };
}

function machineOf(
  { osType, linuxPreparation }: MasterTargetAnswer,
  { hypervisor: kind, vsphere }: SiteAnswer,
): MasterTargetSection['machine'] {
  if (kind !== 'vsphere') return { kind };
  const vm = vsphere?.masterTargetVm ?? null;
  if (vm === null) return null;
  const unread = {
    missingPackages: null,
    customChangesCount: null,
    isRestartedSince: null,
    hasDiskUuids: null,
  };
  const preparation =
    osType === 'Windows'
      ? ({ kind: 'windows' } as const)
      : ({ kind: 'linux', ...(linuxPreparation ?? unread) } as const);
  return { kind, ...vm, preparation };
}
