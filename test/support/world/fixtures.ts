import { createHash } from 'node:crypto';
import type { FailbackOptions } from '../../../shared/domain/job.ts';
import type { ProtectedItem } from '../../../shared/domain/protected-item.ts';
import type { AgentRecord } from '../../../shared/ports/stores.ts';
import { AGENT_KEY } from './agents.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Minutes; longer than a test of a few cycles, so that one point of them is application-consistent. */
export const CONSISTENT_EVERY = 60;

/** The first block of the system disk comes back wrong, whatever is written to it. */
export const LASTING_FAULT = {
  blocks: [{ diskId: 'os', offset: 0, length: 256 * 1024 }],
  isLasting: true,
};

export const CONFIGURATION_SERVER = 'cs-cs1';
export const MASTER_TARGET = 'mt-mt1';
export const AZURE_VM_ID = 'azure-vm-1';

/** A machine with two disks that was failed over to Azure. */
export function aProtectedItem(changes: Partial<ProtectedItem> = {}): ProtectedItem {
  return {
    id: 'web',
    name: 'web',
    origin: 'VMware',
    resourceGroup: 'shop',
    vmName: 'web-azure',
    osType: 'Linux',
    target: {
      configurationServer: 'cs1',
      masterTarget: 'mt1',
      vmName: 'web',
      networks: [{ name: 'lan' }],
    },
    phase: 'failedOver',
    activeJobId: null,
    base: {},
    disks: [
      { id: 'os', isOsDisk: true, diskName: 'web-os', sizeBytes: 1024 ** 3 },
      { id: 'lun-0', isOsDisk: false, diskName: 'web-data', sizeBytes: 1024 ** 3 },
    ],
    onPremisesVmId: null,
    lastRecoveryPointAt: null,
    isRehearsalEnabled: true,
    azureVmId: AZURE_VM_ID,
    failoverRecord: {
      configurationServer: 'cs1',
      configurationServerAddress: 'cs1.site.example',
      isMigrationCompleted: false,
      isNetworkManagerRemoved: false,
      isOriginalVmGone: true,
    },
    ...changes,
  };
}

/** Waits for people at both gates, as a failback does that nobody gave options. */
export const MANUAL: FailbackOptions = {
  autoFailover: false,
  autoCommit: false,
  cycleIntervalSeconds: 300,
  bootTimeoutSeconds: 120,
  proofShare: 1,
  applicationConsistentMinutes: 0,
  rollBackOnBootFailure: true,
};

/** Waits for nobody. */
export const AUTOMATIC: FailbackOptions = { ...MANUAL, autoFailover: true, autoCommit: true };

export function anAgent(
  id: string,
  kind: AgentRecord['kind'],
  name: string,
  at: string,
): AgentRecord {
  return {
    id,
    kind,
    name,
    version: '1.0.0',
    address: { host: name, port: 9443 },
    keyHash: createHash('sha256').update(AGENT_KEY).digest('hex'),
    registeredAt: at,
    heartbeatAt: at,
  };
}
