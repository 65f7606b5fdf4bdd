import type { PreflightFacts } from '../../../shared/domain/preflight/facts.ts';
import type { AzureVmSection } from '../../../shared/domain/preflight/facts/azure-vm.ts';
import { DISKS } from '../memory/builders.ts';

const GIB = 1024 ** 3;
const DAY_SECONDS = 86_400;
const NETWORK = '/virtualNetworks/dr';

export function goodAzureVm(): AzureVmSection {
  return {
    exists: true,
    whereabouts: { kind: 'inPlace' },
    vmId: 'azure-vm-1',
    powerState: 'running',
    generation: 'V2',
    isConfidential: false,
    locks: [],
    disks: DISKS.map(({ id, diskName, sizeBytes }) => ({
      id,
      diskName,
      sizeBytes,
      logicalSectorBytes: 512,
      isAdeEncrypted: false,
      isShared: false,
      isEphemeral: false,
      networkAccessPolicy: 'AllowAll',
      isPrivateExportReachable: null,
    })),
    guest: { staticInterfaces: [], isNetworkManagerRemoved: false, vmwareTools: 'running' },
  };
}

/** A VMware VM goes home to its own VM under the vCenter it came from; all is well. */
export function originalOnVcenter(): PreflightFacts {
  return {
    protection: {
      origin: { kind: 'VMware', vcenterId: 'vcenter-1' },
      osType: 'Linux',
      disks: DISKS.map(({ diskName, sizeBytes }) => ({ diskName, sizeBytes })),
      azureVmId: 'azure-vm-1',
      isMigrationCompleted: false,
      originalConfigurationServerId: 'cs1',
      chosenConfigurationServerId: 'cs1',
      configurationServerAddress: '10.0.0.4',
      isPrepared: true,
      disksAddedInAzure: [],
      chosenDatastore: 'ds-1',
      rpoThresholdSeconds: 900,
      rpoSeconds: 300,
      retentionSeconds: DAY_SECONDS,
      changeBytesPerDay: 10 * GIB,
      measuredRate: null,
    },
    azureVm: goodAzureVm(),
    azureNetwork: {
      kind: 'azure',
      virtualNetworkId: NETWORK,
      connection: { kind: 'siteToSiteVpn', isConnected: true },
      linkBitsPerSecond: 1e9,
    },
    processServer: {
      kind: 'registered',
      name: 'ps1',
      version: '1.0.0',
      lastHeartbeatAgeSeconds: 10,
      location: { kind: 'azure', virtualNetworkId: NETWORK },
      isPort9443Reachable: true,
      cpuCount: 4,
      memoryBytes: 8 * GIB,
      cacheBytes: 300 * GIB,
      bandwidthLimitMbps: null,
      otherChangeBytesPerDay: 0,
      clockSkewSeconds: 0,
    },
    configurationServer: {
      id: 'cs1',
      version: '1.0.0',
      address: '10.0.0.4',
      knowsItem: true,
      backup: { kind: 'taken', ageSeconds: DAY_SECONDS },
      backupSchedule: { kind: 'every', seconds: DAY_SECONDS },
      clockSkewSeconds: 0,
    },
    site: {
      kind: 'vsphere',
      isConnected: true,
      management: { kind: 'vcenter', vcenterId: 'vcenter-1' },
      hostEdition: 'esx.enterprisePlus',
      account: { canSeeDatastores: true, missingPrivileges: [] },
      discoveredMasterTargetCount: 1,
      neededHosts: [{ name: 'esx-1', isDiscovered: true, isInMaintenance: false }],
    },
    location: {
      kind: 'original',
      vmId: 'vm-7',
      isRegistered: true,
      power: 'off',
      snapshotCount: 0,
      firmware: 'efi',
      hasSeed: true,
      storage: {
        kind: 'vsphere',
        biosUuid: 'uuid-vm',
        disks: DISKS.map(({ sizeBytes }, index) => ({
          name: `disk-${index}`,
          datastore: 'ds-1',
          datastoreType: 'VMFS',
          isRdm: false,
          isDatastoreAccessible: true,
          place: `scsi0:${index}`,
          sizeBytes,
        })),
        matches: DISKS.map(({ id: diskId }) => ({ diskId, match: 'found' })),
        isOnVsan: false,
      },
    },
    masterTarget: {
      version: '1.0.0',
      osType: 'Linux',
      retentionFreeBytes: 100 * GIB,
      isRetentionWritable: true,
      isRetentionSeparateVolume: true,
      attachedDiskCount: 0,
      clockSkewSeconds: 0,
      machine: {
        kind: 'vsphere',
        hostId: 'esx-1',
        biosUuid: 'uuid-mt',
        snapshotCount: 0,
        diskEnableUuid: 'TRUE',
        hasVmwareTools: true,
        isOnVsan: false,
        visibleDatastores: ['ds-1', 'ds-2'],
        preparation: {
          kind: 'linux',
          missingPackages: [],
          customChangesCount: 1,
          isRestartedSince: true,
          hasDiskUuids: true,
        },
      },
    },
    notGathered: [],
  };
}

/** Its VM is gone: a new one is created on the master target's host. */
export function alternateOnVcenter(): PreflightFacts {
  return {
    ...originalOnVcenter(),
    location: {
      kind: 'alternate',
      doesOriginalExist: false,
      leavingOriginal: 'none',
      freeBytes: GIB,
      storage: {
        kind: 'vsphere',
        hostName: 'esx-1.example',
        datastore: 'ds-1',
        datastoreType: 'VMFS',
        datastoreHostIds: ['esx-1', 'esx-2'],
        isNameTaken: false,
      },
    },
  };
}

/** A scratch VM beside the original one, whose disks begin as copies of its. */
export function rehearsalOnVcenter(): PreflightFacts {
  const { location, ...facts } = alternateOnVcenter();
  if (location?.kind !== 'alternate') throw new Error('no VM is created');
  const { freeBytes, storage } = location;
  const seed = { originalSnapshotCount: 0, hasSeed: true };
  return { ...facts, location: { kind: 'rehearsal', ...seed, freeBytes, storage } };
}

/** A new VM on the vSAN of a private cloud of Azure VMware Solution, over its circuit. */
export function alternateOnAvs(): PreflightFacts {
  const { site, azureNetwork, location, masterTarget, ...facts } = alternateOnVcenter();
  if (site?.kind !== 'vsphere' || azureNetwork?.kind !== 'azure') throw new Error('no vCenter');
  if (masterTarget?.machine?.kind !== 'vsphere') throw new Error('no master target');
  if (location?.kind !== 'alternate' || location.storage.kind !== 'vsphere')
    throw new Error('no VM');
  const management = { kind: 'vcenter', vcenterId: 'vcenter-1', isAvs: true } as const;
  const connection = {
    kind: 'expressRoute',
    peerings: ['AzurePrivatePeering'],
    hasStoragePrivateEndpoint: true,
  } as const;
  return {
    ...facts,
    site: { ...site, management },
    azureNetwork: { ...azureNetwork, connection },
    masterTarget: { ...masterTarget, machine: { ...masterTarget.machine, isOnVsan: true } },
    location: { ...location, storage: { ...location.storage, datastoreType: 'vSAN' } },
  };
}

/** The ESXi host was added by itself, without a vCenter. */
export function originalOnHost(): PreflightFacts {
  const facts = originalOnVcenter();
  const management = { kind: 'standaloneHost', isDiscoveryFinished: true } as const;
  if (facts.site?.kind !== 'vsphere') throw new Error('the good facts are of vSphere');
  return {
    ...facts,
    protection: { ...facts.protection, origin: { kind: 'VMware', vcenterId: 'none' } },
    site: { ...facts.site, management },
  };
}

/** A physical server becomes a VM on VMware. */
export function physicalServer(): PreflightFacts {
  const facts = alternateOnVcenter();
  const origin = { kind: 'Physical', osName: 'Debian 12' } as const;
  return { ...facts, protection: { ...facts.protection, origin } };
}

/** A Hyper-V VM goes to another host than it had. */
export function hyperV(): PreflightFacts {
  const facts = originalOnVcenter();
  return {
    ...facts,
    protection: {
      ...facts.protection,
      origin: { kind: 'HyperV', isFailoverCommitted: true, dataEncryption: { kind: 'off' } },
    },
    site: {
      kind: 'hyperv',
      isConnected: true,
      virtualSwitches: ['External', 'Backup'],
      neededSwitches: ['External'],
    },
    location: {
      kind: 'alternate',
      doesOriginalExist: false,
      leavingOriginal: 'none',
      freeBytes: GIB,
      storage: { kind: 'hyperv', isAlternateHost: true },
    },
    masterTarget: facts.masterTarget && { ...facts.masterTarget, machine: { kind: 'hyperv' } },
  };
}

/** The lab: one machine, no vSphere, no line. */
export function lab(): PreflightFacts {
  const { location, masterTarget, processServer, ...facts } = originalOnVcenter();
  if (location?.kind !== 'original') throw new Error('the good facts are of an original VM');
  if (processServer?.kind !== 'registered') throw new Error('the good facts have a process server');
  return {
    ...facts,
    azureNetwork: { kind: 'local' },
    processServer: { ...processServer, location: { kind: 'local' } },
    site: { kind: 'local', isConnected: true },
    location: { ...location, storage: { kind: 'local' } },
    masterTarget: masterTarget && { ...masterTarget, machine: { kind: 'local' } },
  };
}
