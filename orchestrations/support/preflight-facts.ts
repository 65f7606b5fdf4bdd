import type { CommandOutput } from '../../shared/contracts/commands.ts';
import type { AzureVmFacts } from '../../shared/domain/azure-vm.ts';
import type { FactName, FactSections } from '../../shared/domain/preflight/facts.ts';
import type { Origin, ProtectedItem } from '../../shared/domain/protected-item.ts';

/**
 * What this run does not ask for. Rules that need one of these say so as information and do not stand in the
 * way; take a name away from here as soon as its fact is read.
 */
export const NOT_GATHERED: readonly FactName[] = [
  'protection.origin',
  'protection.azureVmId',
  'protection.isMigrationCompleted',
  'protection.originalConfigurationServerId',
  'protection.configurationServerAddress',
  'protection.chosenDatastore',
  'protection.rpoThresholdSeconds',
  'protection.rpoSeconds',
  'protection.retentionSeconds',
  'protection.changeBytesPerDay',
  'azureVm.whereabouts',
  'azureVm.vmId',
  'azureVm.generation',
  'azureVm.disks.usedBytes',
  'azureVm.disks.logicalSectorBytes',
  'azureVm.disks.isPrivateExportReachable',
  'azureVm.guest',
  'azureNetwork',
  'processServer',
  'configurationServer',
  'location.firmware',
  'location.hasSeed',
  'masterTarget.clockSkewSeconds',
];

/** What only a gathering from the site's own interfaces tells; a `local` site has none of it. */
const UNREAD_VSPHERE = {
  management: null,
  hostEdition: null,
  account: { canSeeDatastores: null, missingPrivileges: null },
  discoveredMasterTargetCount: null,
  neededHosts: null,
} as const;

type SiteAnswer = CommandOutput<'describeSite'>;

export function protectionSection(item: ProtectedItem): FactSections['protection'] {
  return {
    origin: originFacts(item.origin),
    osType: item.osType,
    azureVmId: null,
    isMigrationCompleted: null,
    originalConfigurationServerId: null,
    chosenConfigurationServerId: item.target.configurationServer,
    configurationServerAddress: null,
    chosenDatastore: null,
    rpoThresholdSeconds: null,
    rpoSeconds: null,
    retentionSeconds: null,
    changeBytesPerDay: null,
  };
}

function originFacts(origin: Origin): FactSections['protection']['origin'] {
  switch (origin) {
    case 'VMware':
      return { kind: origin, vcenterId: null };
    case 'HyperV':
      return { kind: origin, isFailoverCommitted: null, dataEncryption: null };
    case 'Physical':
      return { kind: origin, osName: null };
  }
}

export function azureVmSection(vm: AzureVmFacts): NonNullable<FactSections['azureVm']> {
  return {
    ...vm,
    whereabouts: null,
    vmId: null,
    generation: null,
    disks: vm.disks.map((disk) => ({
      ...disk,
      usedBytes: null,
      logicalSectorBytes: null,
      isPrivateExportReachable: null,
    })),
    guest: { staticInterfaces: null, isNetworkManagerRemoved: null, vmwareTools: null },
  };
}

export function siteSection({
  hypervisor,
  isConnected,
}: SiteAnswer): NonNullable<FactSections['site']> {
  switch (hypervisor) {
    case 'local':
      return { kind: hypervisor, isConnected };
    case 'vsphere':
      return { kind: hypervisor, isConnected, ...UNREAD_VSPHERE };
    case 'hyperv':
      return { kind: hypervisor, isConnected, virtualSwitches: null, neededSwitches: null };
  }
}

export function locationSection(site: SiteAnswer): NonNullable<FactSections['location']> {
  if (site.originalVm === null) {
    return {
      kind: 'alternate',
      doesOriginalExist: false,
      freeBytes: site.freeBytes,
      storage: {
        local: { kind: 'local' } as const,
        hyperv: { kind: 'hyperv', isAlternateHost: null } as const,
        vsphere: {
          kind: 'vsphere',
          hostId: null,
          datastore: null,
          datastoreType: null,
          usesRdm: null,
          isNameTaken: null,
        } as const,
      }[site.hypervisor],
    };
  }
  return {
    kind: 'original',
    vmId: site.originalVm.vmId,
    snapshotCount: site.originalVm.snapshotCount,
    firmware: null,
    hasSeed: null,
    storage: {
      local: { kind: 'local' } as const,
      hyperv: { kind: 'hyperv' } as const,
      vsphere: { kind: 'vsphere', biosUuid: null, disks: null } as const,
    }[site.hypervisor],
  };
}

export function masterTargetSection(
  target: CommandOutput<'verifyMasterTarget'>,
  site: SiteAnswer | null,
): NonNullable<FactSections['masterTarget']> {
  return {
    version: target.version,
    osType: target.osType,
    retentionFreeBytes: target.retentionVolume.freeBytes,
    isRetentionWritable: target.retentionVolume.isWritable,
    isRetentionSeparateVolume: target.retentionVolume.isSeparateVolume,
    attachedDiskCount: target.attachedDiskCount,
    clockSkewSeconds: null,
    machine: site?.hypervisor === 'local' ? { kind: 'local' } : null,
  };
}
