import { assembleFacts } from '../../../orchestrations/support/preflight-facts.ts';
import { type CommandOutput, COMMANDS } from '../../../shared/contracts/commands.ts';
import type { PreflightFacts } from '../../../shared/domain/preflight/facts.ts';
import { blockingFindings, runPreflight } from '../../../shared/domain/preflight/run.ts';
import type { FailoverRecord, ProtectedItem } from '../../../shared/domain/protected-item.ts';
import { anItem, NOW } from '../memory/builders.ts';
import { NETWORK } from '../memory/memory-azure.ts';
import { goodAzureVm } from './good-facts.ts';

export type Site = CommandOutput<'describeSite'>;
type Answers = Parameters<typeof assembleFacts>[0];
export type Changes = Omit<Partial<Answers>, 'site'> & {
  readonly item?: Partial<ProtectedItem>;
  readonly site?: Partial<Site> | null;
};

export const RECORD: FailoverRecord = {
  vcenterId: 'vcenter-1',
  configurationServer: 'cs1',
  configurationServerAddress: '10.0.0.4',
  isMigrationCompleted: false,
  isNetworkManagerRemoved: false,
  isOriginalVmGone: true,
};
export const LOCAL: Site = COMMANDS.describeSite.output.parse({
  hypervisor: 'local',
  isConnected: true,
  originalVm: { vmId: 'vm-7', powerState: 'off', snapshotCount: 0, diskCount: 2 },
  freeBytes: 1024 ** 4,
  restoresStaticAddresses: true,
  configurationServer: {
    version: '1.0.0',
    address: '10.0.0.4',
    knowsItem: true,
    backup: { kind: 'taken', takenAt: '2026-03-01T11:00:00.000Z' },
    backupSchedule: { kind: 'every', seconds: 86_400 },
  },
  observedAt: NOW,
});
export const MASTER_TARGET = COMMANDS.verifyMasterTarget.output.parse({
  version: '1.0.0',
  osType: 'Linux',
  retentionVolume: { freeBytes: 1024 ** 4, isSeparateVolume: true, isWritable: true },
  retentionSeconds: 86_400,
  openReplications: 0,
  attachedDiskCount: 0,
  transferAddress: { host: 'mt1.site.example', port: 9443 },
  linuxPreparation: {
    missingPackages: [],
    customChangesCount: 1,
    isRestartedSince: true,
    hasDiskUuids: true,
  },
  observedAt: NOW,
});
export const PROCESS_SERVER = {
  id: 'ps-1',
  name: 'ps1',
  version: '1.0.0',
  address: null,
  heartbeatAt: '2026-03-01T11:59:55.000Z',
  isConnected: true,
};

export const RECORDS = {
  configurationServer: null,
  masterTarget: null,
  processServer: null,
  rpoSeconds: 'none',
  changeBytesPerDay: null,
  measuredRate: null,
  otherChangeBytesPerDay: 0,
} as const;

export function factsOf({ item, site, records, ...changes }: Changes = {}): PreflightFacts {
  const known = anItem({ azureVmId: 'azure-vm-1', failoverRecord: RECORD, ...item });
  const told = site === null ? null : { told: { ...LOCAL, ...site }, clockSkewSeconds: 0 };
  return assembleFacts({
    operation: 'reprotect',
    originalVm: 'use',
    now: new Date(NOW),
    records: {
      item: known,
      ...RECORDS,
      ...records,
    },
    azure: { vm: goodAzureVm(), network: NETWORK, processServerVm: null },
    site: told,
    masterTarget: { told: MASTER_TARGET, clockSkewSeconds: 0 },
    processServer: null,
    ...changes,
  });
}

export const blockersOf = (facts: PreflightFacts): readonly string[] =>
  blockingFindings(runPreflight(facts)).map(({ ruleId }) => ruleId);

/** As a driver tells it that found everything in order. */
export const VSPHERE = {
  management: { kind: 'vcenter', vcenterId: 'vcenter-1' },
  hostEdition: 'esx.enterprisePlus',
  canSeeDatastores: true,
  missingPrivileges: [],
  discoveredMasterTargetCount: 1,
  neededHosts: [{ name: 'esx-1', isDiscovered: true, isInMaintenance: false }],
  originalVm: {
    biosUuid: 'uuid-vm',
    disks: [
      {
        name: 'disk-0',
        datastore: 'ds-1',
        datastoreType: 'VMFS',
        isRdm: false,
        isDatastoreAccessible: true,
        place: 'scsi0:0',
        sizeBytes: 1024,
      },
    ],
    matches: [{ diskId: 'os', match: 'found' }],
    isOnVsan: false,
  },
  masterTargetVm: {
    hostId: 'esx-1',
    biosUuid: 'uuid-mt',
    snapshotCount: 0,
    diskEnableUuid: 'TRUE',
    hasVmwareTools: true,
    visibleDatastores: ['ds-1'],
  },
};

export function vsphereSite(): Partial<Site> {
  const site = { ...LOCAL, hypervisor: 'vsphere', vsphere: VSPHERE };
  const parsed = COMMANDS.describeSite.output.parse(site);
  return { ...parsed, originalVm: parsed.originalVm && { ...parsed.originalVm, firmware: 'efi' } };
}
