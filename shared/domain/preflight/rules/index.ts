import type { PreflightRule } from '../rule.ts';
import { staticAddressesReturn } from './after-return/dhcp.ts';
import { networkManagerThere } from './after-return/network-manager.ts';
import { vmwareToolsRun } from './after-return/vmware-tools.ts';
import { disksAsRecorded } from './azure-disk/as-recorded.ts';
import { disksExportable } from './azure-disk/export-allowed.ts';
import { disksNotEncryptedInGuest } from './azure-disk/not-ade-encrypted.ts';
import { disksNotEphemeral } from './azure-disk/not-ephemeral.ts';
import { disksNotShared } from './azure-disk/not-shared.ts';
import { diskPrivateExportReachable } from './azure-disk/private-export-reachable.ts';
import { diskSectorSize } from './azure-disk/sector-size.ts';
import { diskWithinSize } from './azure-disk/size.ts';
import { networkConnected } from './azure-network/connected.ts';
import { expressRouteToAvs } from './azure-network/express-route-to-avs.ts';
import { peeringCarriesStorage } from './azure-network/storage-peering.ts';
import { azureVmDiskCount } from './azure-vm/disk-count.ts';
import { azureVmExists } from './azure-vm/exists.ts';
import { migrationNotCompleted } from './azure-vm/migration-not-completed.ts';
import { azureVmNotConfidential } from './azure-vm/not-confidential.ts';
import { azureVmNotLocked } from './azure-vm/not-locked.ts';
import { azureVmNotMoved } from './azure-vm/not-moved.ts';
import { azureVmIsTheSame } from './azure-vm/same-machine.ts';
import { clocksAgree } from './clocks/skew.ts';
import { configurationServerBackedUp } from './configuration-server/backup-age.ts';
import { configurationServerKnowsItem } from './configuration-server/knows-item.ts';
import { configurationServerSameAddress } from './configuration-server/same-address.ts';
import { encryptionCertificateGiven } from './hyper-v/encryption-certificate.ts';
import { hyperVFailoverCommitted } from './hyper-v/failover-committed.ts';
import { switchesOnAlternateHost } from './hyper-v/virtual-switch.ts';
import { masterTargetHasOwnUuid } from './master-target/bios-uuid.ts';
import { masterTargetHasSlots } from './master-target/disk-slots.ts';
import { masterTargetShowsDiskUuids } from './master-target/disk-uuid.ts';
import { linuxChangesAppliedOnce } from './master-target/linux-custom-changes.ts';
import { linuxPackagesInstalled } from './master-target/linux-packages.ts';
import { linuxRestartedSince } from './master-target/linux-restarted.ts';
import { masterTargetHasNoSnapshots } from './master-target/no-snapshots.ts';
import { masterTargetOnVsan } from './master-target/on-vsan.ts';
import { retentionHoldsChanges } from './master-target/retention-room.ts';
import { retentionIsSeparate } from './master-target/retention-separate.ts';
import { masterTargetRetentionUsable } from './master-target/retention-usable.ts';
import { masterTargetSameOsFamily } from './master-target/same-os-family.ts';
import { masterTargetNotNewer } from './master-target/version.ts';
import { masterTargetHasTools } from './master-target/vmware-tools.ts';
import { datastoreReachedWithoutVcenter } from './on-premises-vm/datastore-reached-without-vcenter.ts';
import { datastoreSeenUnderVcenter } from './on-premises-vm/datastore-seen-under-vcenter.ts';
import { disksAttached } from './on-premises-vm/disks-attached.ts';
import { disksToldApart } from './on-premises-vm/disks-told-apart.ts';
import { hostDiscoveryFinished } from './on-premises-vm/discovery-finished.ts';
import { originalFirmwareMatches } from './on-premises-vm/firmware.ts';
import { targetHasNoSnapshots } from './on-premises-vm/no-snapshots.ts';
import { originalIsNotTheLiveOne } from './on-premises-vm/not-the-live-one.ts';
import { originalIsRegistered } from './on-premises-vm/registered.ts';
import { physicalBecomesNewVm } from './physical/new-vm-only.ts';
import { notToPhysicalMachine } from './physical/not-to-a-machine.ts';
import { physicalOsSupported } from './physical/supported-os.ts';
import { newVmAnnounced } from './placement/announced.ts';
import { createdOnChosenDatastore } from './placement/chosen-datastore.ts';
import { siteHasFreeSpace } from './placement/free-space.ts';
import { fullDownload } from './placement/full-download.ts';
import { leavingOriginalIsOff } from './placement/leaving-original-is-off.ts';
import { masterTargetHostReachesDatastore } from './placement/master-target-host.ts';
import { placementNameFree } from './placement/name-free.ts';
import { originalIsGone } from './placement/original-is-gone.ts';
import { createdOnVmfs } from './placement/vmfs-only.ts';
import { processServerGetsAddress } from './process-server/free-address.ts';
import { processServerAlive } from './process-server/heartbeat.ts';
import { processServerNearVm } from './process-server/network.ts';
import { processServerReachesSite } from './process-server/ports.ts';
import { processServerRegistered } from './process-server/registered.ts';
import { processServerSized } from './process-server/sizing.ts';
import { rpoWithinThreshold } from './protection/rpo.ts';
import { accountPrivileges } from './site/account-privileges.ts';
import { accountSeesDatastores } from './site/account-sees-datastores.ts';
import { siteConnected } from './site/connected.ts';
import { hostEditionAllowsWrites } from './site/host-edition.ts';
import { hostsDiscovered } from './site/hosts-discovered.ts';
import { hostsNotInMaintenance } from './site/hosts-not-in-maintenance.ts';
import { masterTargetDiscovered } from './site/master-target-discovered.ts';
import { noLaterVcenter } from './site/no-later-vcenter.ts';
import { originalConfigurationServer } from './site/original-configuration-server.ts';
import { originalVcenter } from './site/original-vcenter.ts';
import { sameHypervisorFamily } from './site/same-family.ts';

/** Every rule, in the order in which findings are shown. */
export const RULES: readonly PreflightRule[] = [
  azureVmExists,
  azureVmNotMoved,
  azureVmIsTheSame,
  migrationNotCompleted,
  azureVmNotConfidential,
  azureVmNotLocked,
  azureVmDiskCount,
  disksAsRecorded,
  disksNotEncryptedInGuest,
  disksNotShared,
  disksNotEphemeral,
  disksExportable,
  diskPrivateExportReachable,
  diskWithinSize,
  diskSectorSize,
  networkConnected,
  peeringCarriesStorage,
  expressRouteToAvs,
  processServerRegistered,
  processServerAlive,
  processServerReachesSite,
  processServerNearVm,
  processServerGetsAddress,
  processServerSized,
  configurationServerKnowsItem,
  configurationServerSameAddress,
  configurationServerBackedUp,
  siteConnected,
  sameHypervisorFamily,
  originalVcenter,
  noLaterVcenter,
  originalConfigurationServer,
  accountSeesDatastores,
  accountPrivileges,
  hostEditionAllowsWrites,
  masterTargetDiscovered,
  hostsDiscovered,
  hostsNotInMaintenance,
  hyperVFailoverCommitted,
  encryptionCertificateGiven,
  switchesOnAlternateHost,
  physicalBecomesNewVm,
  physicalOsSupported,
  notToPhysicalMachine,
  originalIsRegistered,
  datastoreSeenUnderVcenter,
  datastoreReachedWithoutVcenter,
  hostDiscoveryFinished,
  disksAttached,
  disksToldApart,
  originalIsNotTheLiveOne,
  targetHasNoSnapshots,
  originalFirmwareMatches,
  originalIsGone,
  leavingOriginalIsOff,
  masterTargetHostReachesDatastore,
  createdOnChosenDatastore,
  createdOnVmfs,
  placementNameFree,
  siteHasFreeSpace,
  newVmAnnounced,
  fullDownload,
  masterTargetSameOsFamily,
  masterTargetNotNewer,
  masterTargetHasSlots,
  masterTargetHasNoSnapshots,
  masterTargetShowsDiskUuids,
  masterTargetHasTools,
  masterTargetHasOwnUuid,
  masterTargetOnVsan,
  retentionIsSeparate,
  masterTargetRetentionUsable,
  retentionHoldsChanges,
  linuxPackagesInstalled,
  linuxChangesAppliedOnce,
  linuxRestartedSince,
  staticAddressesReturn,
  networkManagerThere,
  vmwareToolsRun,
  clocksAgree,
  rpoWithinThreshold,
];
