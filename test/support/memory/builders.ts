import { createHash } from 'node:crypto';
import type { JobView } from '../../../shared/contracts/http-api.ts';
import type { DiskProof, Job } from '../../../shared/domain/job.ts';
import type { ProtectedItem, RecoveryPoint } from '../../../shared/domain/protected-item.ts';
import type { AzureVmDescription } from '../../../shared/ports/azure.ts';
import type { AgentRecord, CommandRecord } from '../../../shared/ports/stores.ts';

const MIB = 1024 ** 2;
export const NOW = '2026-03-01T12:00:00.000Z';
/** The key of every agent that is built here. */
export const AGENT_KEY = 'the-agent-key';

export const DISKS = [
  { id: 'os', isOsDisk: true, diskName: 'web-01-os', sizeBytes: 64 * MIB },
  { id: 'lun-0', isOsDisk: false, diskName: 'web-01-data', sizeBytes: 32 * MIB },
] as const;

export function anItem(changes: Partial<ProtectedItem> = {}): ProtectedItem {
  return {
    id: 'web-01',
    name: 'Web server 1',
    origin: 'VMware',
    resourceGroup: 'rg-dr',
    vmName: 'web-01-azure',
    osType: 'Linux',
    target: {
      configurationServer: 'cs1',
      masterTarget: 'mt1',
      vmName: 'web-01',
      networks: [{ name: 'VM Network', staticIpAddress: '10.0.0.15', prefixLength: 24 }],
    },
    phase: 'failedOver',
    activeJobId: null,
    base: {},
    disks: [...DISKS],
    onPremisesVmId: null,
    lastRecoveryPointAt: null,
    isRehearsalEnabled: false,
    ...changes,
  };
}

export function aJob(changes: Partial<Job> = {}): Job {
  return {
    id: 'fb-1',
    operation: 'failback',
    itemId: 'web-01',
    itemName: 'Web server 1',
    instanceId: 'fb-1-failback',
    state: 'running',
    phase: 'failedOver',
    options: {
      autoFailover: false,
      autoCommit: false,
      cycleIntervalSeconds: 300,
      bootTimeoutSeconds: 900,
      proofShare: 1,
      applicationConsistentMinutes: 0,
      rollBackOnBootFailure: true,
    },
    createdAt: NOW,
    endedAt: null,
    intents: {},
    history: [],
    cycles: [],
    report: {},
    error: null,
    ...changes,
  };
}

export function anAgent(changes: Partial<AgentRecord> = {}): AgentRecord {
  return {
    id: 'mt-mt1',
    kind: 'masterTarget',
    name: 'mt1',
    version: '1.0.0',
    address: { host: 'mt1.site.example', port: 9443 },
    keyHash: createHash('sha256').update(AGENT_KEY).digest('hex'),
    registeredAt: NOW,
    heartbeatAt: NOW,
    ...changes,
  };
}

export function aCommand(changes: Partial<CommandRecord> = {}): CommandRecord {
  return {
    id: 'fb-1.seal-1',
    agentId: 'mt-mt1',
    name: 'discardUnsealed',
    input: { replicationId: 'web-01' },
    instanceId: 'fb-1-replication',
    sentAt: NOW,
    deadlineAt: '2026-03-01T13:00:00.000Z',
    result: null,
    progress: null,
    progressAt: null,
    ...changes,
  };
}

export function aVm(changes: Partial<AzureVmDescription> = {}): AzureVmDescription {
  return {
    vmId: 'azure-vm-1',
    location: 'westeurope',
    osType: 'Linux',
    firmware: 'efi',
    cpuCount: 2,
    memoryMiB: 4096,
    subnetId: '/subscriptions/s/resourceGroups/rg-dr/subnets/one',
    disks: DISKS.map((disk) => ({ ...disk, kind: 'managedDisk' })),
    ...changes,
  };
}

/** Every block was compared and none differs. */
export function aProof(changes: Partial<DiskProof> = {}): DiskProof {
  return {
    pointId: 'fb-1-p0003',
    blocksCompared: 3,
    bytesCompared: 96,
    comparedShare: 1,
    mismatches: 0,
    repairedBlocks: 0,
    ...changes,
  };
}

/** Three points, oldest first; only the one in the middle is application-consistent. */
export const POINTS: readonly RecoveryPoint[] = [
  { pointId: 'fb-1-p0001', takenAt: '2026-03-01T11:00:00.000Z', consistency: 'crashConsistent' },
  {
    pointId: 'fb-1-p0002',
    takenAt: '2026-03-01T11:30:00.000Z',
    consistency: 'applicationConsistent',
  },
  { pointId: 'fb-1-p0003', takenAt: '2026-03-01T11:59:30.000Z', consistency: 'crashConsistent' },
];

export type Progress = NonNullable<NonNullable<JobView['progress']>['parts'][number]['progress']>;

export function aProgress(changes: Partial<Progress> = {}): Progress {
  return {
    bytesDone: 100,
    bytesTotal: 1000,
    rangesDone: 1,
    rangesTotal: 10,
    sentBytes: 150,
    wireBytes: 50,
    bytesPerSecond: 10,
    ...changes,
  };
}
