import type {
  ActivityInput,
  ActivityName,
  ActivityOutput,
} from '../../shared/contracts/activities.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { failure, success } from '../../shared/errors/result.ts';
import {
  aCommand,
  anAgent,
  anItem,
  aJob,
  aProof,
  DISKS,
  NOW,
  POINTS,
} from '../support/memory/builders.ts';
import { NETWORK } from '../support/memory/memory-azure.ts';
import type { MemoryWorld } from '../support/memory/memory-world.ts';
import { goodAzureVm } from '../support/preflight/good-facts.ts';
import { PLAN_CASES } from './plan-cases.ts';
import { SOURCE_CASES } from './source-cases.ts';

/** One activity in a situation in which it has something to do. */
export interface ActivityCase<N extends ActivityName> {
  readonly arrange?: (world: MemoryWorld) => Promise<void> | void;
  readonly input: ActivityInput<N>;
  readonly answers: ActivityOutput<N>;
  /** Only where the count of what was done differs: the second time nothing is left to do. */
  readonly answersAgain?: ActivityOutput<N>;
}

export const ref = { jobId: 'fb-1', itemId: 'web-01' } as const;
const PROCESS_SERVER = 'failback-ps-rg-dr';
const processServer = anAgent({
  id: `ps-${PROCESS_SERVER}`,
  kind: 'processServer',
  name: PROCESS_SERVER,
});

async function seeded({ replicas }: MemoryWorld): Promise<void> {
  for (const { id } of DISKS) {
    await replicas.beginSeed({
      resourceGroup: 'rg-dr',
      snapshotName: `p2-${id}`,
      replicaName: `web-01/${id}.vhd`,
    });
  }
  replicas.finishSeeds();
}

export async function proved(world: MemoryWorld): Promise<void> {
  await seeded(world);
  world.vms.must('rg-dr/web-01-azure').power = 'deallocated';
  world.stores.jobs.put(aJob({ phase: 'committing', report: { proof: aProof() } }));
  world.stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'committing' }));
}

function twoPoints({ snapshots }: Pick<MemoryWorld, 'snapshots'>): void {
  for (const point of ['p1', 'p2']) {
    for (const { id } of DISKS) snapshots.put(`${point}-${id}`);
  }
}

/** A process server that has begun to read the snapshot of the system disk. */
export async function transferring({ stores, snapshots }: MemoryWorld): Promise<void> {
  twoPoints({ snapshots });
  const input = {
    replicationId: 'web-01',
    pointId: 'fb-1-p0002',
    diskId: 'os',
    sizeBytes: DISKS[0].sizeBytes,
    snapshotName: 'p2-os',
    baseSnapshotName: 'p1-os',
    masterTarget: { host: 'mt1.site.example', port: 9443 },
  };
  stores.commands.put(aCommand({ id: 'fb-1.disk-os', name: 'replicateDisk', input }));
  await snapshots.grantRead('rg-dr', { snapshot: 'p2-os', base: 'p1-os' });
}

export const statistics = {
  cycle: 1,
  kind: 'initial',
  pointId: 'fb-1-p0001',
  takenAt: NOW,
  consistency: 'crashConsistent',
  changedBytes: 10,
  zeroBytes: 0,
  readBytes: 20,
  sentBytes: 10,
  wireBytes: 5,
  durationMs: 100,
  reasons: ['os: first copy'],
} as const;

/** Every activity; the type makes a missing one a compiler error. */
export const CASES: { readonly [N in ActivityName]: ActivityCase<N> } = {
  enterPhase: {
    input: { ...ref, phase: 'preparing', message: 'Preparing', isRehearsal: false },
    answers: null,
  },
  readIntents: {
    arrange: ({ stores }) => stores.jobs.put(aJob({ intents: { cancel: NOW } })),
    input: { jobId: 'fb-1' },
    answers: { cancel: NOW },
  },
  readFailoverChoice: {
    arrange: ({ stores }) => {
      stores.jobs.put(aJob({ failoverTo: 'latestApplicationConsistent' }));
      stores.items.put(anItem({ activeJobId: 'fb-1', recoveryPoints: POINTS }));
    },
    input: { ...ref, isFinalDeltaPossible: true },
    answers: { pointId: 'fb-1-p0002' },
  },
  judgeFailover: {
    arrange: ({ stores }) => {
      const wish = { failoverTo: 'latestApplicationConsistent', maxDataLossMinutes: 29 };
      const intents = { failover: NOW };
      stores.jobs.put(
        aJob({ ...wish, intents, phase: 'replicating', state: 'waitingForOperator' }),
      );
      const item = { activeJobId: 'fb-1', phase: 'replicating', recoveryPoints: POINTS } as const;
      stores.items.put(anItem({ ...item, wasSourceRunning: true }));
    },
    input: { ...ref, nextGate: 'replication-2', source: { state: 'there', reason: '' } },
    answers: { isHeldBack: true },
  },
  readItem: {
    input: { itemId: 'web-01' },
    answers: anItem({ activeJobId: 'fb-1' }),
  },
  bindSite: {
    input: ref,
    answers: {
      item: anItem({ activeJobId: 'fb-1' }),
      vm: {
        name: 'web-01',
        osType: 'Linux',
        firmware: 'efi',
        cpuCount: 2,
        memoryMiB: 4096,
        disks: DISKS.map(({ id, isOsDisk, sizeBytes }) => ({ id, isOsDisk, sizeBytes })),
        networks: [{ name: 'VM Network', staticIpAddress: '10.0.0.15', prefixLength: 24 }],
      },
      configurationServerId: 'cs-cs1',
      masterTarget: 'mt1',
      masterTargetId: 'mt-mt1',
      masterTargetAddress: { host: 'mt1.site.example', port: 9443 },
    },
  },
  findSiteAgents: {
    input: ref,
    answers: { configurationServerId: 'cs-cs1', masterTargetId: 'mt-mt1' },
  },
  gatherAzureFacts: {
    input: ref,
    answers: { vm: goodAzureVm(), network: NETWORK, processServerVm: null },
  },
  gatherRecordFacts: {
    arrange: ({ stores }) => stores.agents.put(processServer),
    input: { itemId: 'web-01', placement: { datastore: 'ds-2' } },
    answers: {
      item: {
        ...anItem({ activeJobId: 'fb-1' }),
        target: { ...anItem().target, datastore: 'ds-2' },
      },
      configurationServer: {
        id: 'cs-cs1',
        name: 'cs1',
        version: '1.0.0',
        address: null,
        heartbeatAt: NOW,
        isConnected: true,
      },
      masterTarget: {
        id: 'mt-mt1',
        name: 'mt1',
        version: '1.0.0',
        address: { host: 'mt1.site.example', port: 9443 },
        heartbeatAt: NOW,
        isConnected: true,
      },
      processServer: {
        id: processServer.id,
        name: PROCESS_SERVER,
        version: '1.0.0',
        address: processServer.address,
        heartbeatAt: NOW,
        isConnected: true,
      },
      rpoSeconds: 'none',
      changeBytesPerDay: null,
      measuredRate: null,
      otherChangeBytesPerDay: 0,
    },
  },
  recordPreflight: {
    arrange: ({ stores }) =>
      stores.preflights.put({
        id: 'pf-1',
        itemId: 'web-01',
        operation: 'reprotect',
        placement: {},
        createdAt: NOW,
        endedAt: null,
        report: null,
        error: null,
      }),
    input: {
      preflightId: 'pf-1',
      result: success({
        isBlocked: false,
        findings: [],
        unknownFacts: [],
        notGatheredFacts: [],
        unanswered: [],
      }),
    },
    answers: null,
  },
  ensureProcessServer: {
    input: ref,
    answers: { name: PROCESS_SERVER, isDeployedByUs: true },
  },
  findAgent: {
    arrange: ({ stores }) => stores.agents.put(processServer),
    input: { name: PROCESS_SERVER },
    answers: { agentId: processServer.id },
  },
  retireProcessServer: {
    arrange: async ({ processServers }) =>
      processServers.deploy({
        name: PROCESS_SERVER,
        resourceGroup: 'rg-dr',
        location: 'westeurope',
        subnetId: 's',
      }),
    input: ref,
    answers: { isDeleted: true },
  },
  sendCommand: {
    input: {
      commandId: 'fb-1.discard',
      agentId: 'mt-mt1',
      name: 'discardUnsealed',
      input: { replicationId: 'web-01' },
      deadlineAt: '2026-03-01T12:05:00.000Z',
      instanceId: 'fb-1-reprotect',
    },
    answers: null,
  },
  readCommand: {
    arrange: ({ stores }) =>
      stores.commands.put(aCommand({ result: success({ sealedPointId: null }) })),
    input: { commandId: 'fb-1.seal-1' },
    answers: { result: success({ sealedPointId: null }) },
  },
  abandonCommand: {
    arrange: transferring,
    input: { commandId: 'fb-1.disk-os', error: errorRecord('FB-ORC-005') },
    answers: null,
  },
  takeSnapshots: {
    input: { ...ref, pointId: 'fb-1-p0001' },
    answers: {
      takenAt: NOW,
      consistency: 'crashConsistent',
      isOneInstant: true,
      reasons: [],
      snapshots: { os: 'fb-1-p0001-os', 'lun-0': 'fb-1-p0001-lun-0' },
    },
  },
  pruneSnapshots: {
    arrange: twoPoints,
    input: { ...ref, keep: ['p2-os', 'p2-lun-0'] },
    answers: { deleted: 2 },
    answersAgain: { deleted: 0 },
  },
  keepReplicaSeed: {
    arrange: ({ stores }) => {
      const base = { os: 'p2-os', 'lun-0': 'p2-lun-0' };
      stores.items.put(anItem({ activeJobId: 'fb-1', phase: 'committing', base }));
    },
    input: ref,
    answers: { seededAt: null },
  },
  readReplicaSeed: {
    arrange: seeded,
    input: ref,
    answers: { state: 'done', copiedBytes: 8192, totalBytes: 8192, detail: '' },
  },
  deleteAzureVm: { arrange: proved, input: ref, answers: null },
  recordMasterTarget: {
    input: { ...ref, choice: { name: 'mt2', why: 'the only one that fits', passedOver: [] } },
    answers: null,
  },
  recordGrowth: {
    input: { ...ref, grown: [{ diskId: 'os', fromBytes: 67_108_864, toBytes: 1_073_741_824 }] },
    answers: null,
  },
  recordTarget: { input: { ...ref, vmId: 'vm-7' }, answers: null },
  beginSeal: {
    arrange: ({ stores }) =>
      stores.items.put(anItem({ activeJobId: 'fb-1', pinnedPointId: 'fb-1-p0001' })),
    input: { ...ref, pointId: 'fb-1-p0004' },
    answers: { keepPointId: 'fb-1-p0001' },
  },
  recordCycle: {
    input: {
      ...ref,
      statistics,
      base: { os: 'fb-1-p0001-os' },
      retainedPointIds: ['fb-1-p0001'],
      isRehearsal: false,
    },
    answers: null,
  },
  recordReport: {
    arrange: ({ stores }) => stores.jobs.put(aJob({ report: { downtimeSeconds: 42 } })),
    input: { jobId: 'fb-1', report: { bootedAt: NOW } },
    answers: null,
  },
  finishJob: {
    input: { ...ref, state: 'failed', error: errorRecord('FB-ORC-005') },
    answers: null,
  },
  sealReplica: {
    arrange: seeded,
    input: { ...ref, pointId: 'fb-1-p0004', takenAt: NOW },
    answers: null,
  },
  startReverseReplication: { input: ref, answers: null },
  recordReverse: {
    input: { itemId: 'web-01', error: errorRecord('FB-ORC-005') },
    answers: null,
  },
  ...PLAN_CASES,
  ...SOURCE_CASES,
};

/** The failure value that a command ends with when it is given up. */
export const abandoned = failure(errorRecord('FB-ORC-005'));
