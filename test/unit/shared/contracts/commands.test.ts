import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import {
  type CommandInput,
  type CommandName,
  type CommandOutput,
  COMMANDS,
  isCommandName,
} from '../../../../shared/contracts/commands.ts';
import { aVm, NOW } from '../../../support/memory/builders.ts';

const vm = {
  name: 'web-01',
  osType: 'Linux',
  firmware: 'efi',
  cpuCount: 2,
  memoryMiB: 4096,
  disks: aVm().disks.map(({ id, isOsDisk, sizeBytes }) => ({ id, isOsDisk, sizeBytes })),
  networks: [{ name: 'VM Network', staticIpAddress: '10.0.0.15' }],
} as const satisfies object;
const device = { kind: 'file', path: 'disks/os.raw' } as const;
const replicationId = 'rehearsal-web-01';
const point = { replicationId, pointId: 'fb-1-p0001' };

/** What the code makes. The type keeps it in step with the schemas; a missing command does not compile. */
const INPUTS: { readonly [N in CommandName]: CommandInput<N> } = {
  describeSite: { vmName: 'web-01', targetVmId: 'vm-7', itemId: 'web-01', masterTarget: 'mt1' },
  describeProcessServer: { masterTarget: { host: 'mt1.site.example', port: 9443 } },
  growDisks: { replicationId: 'web-01', disks: [{ diskId: 'os', sizeBytes: 2048 }] },
  prepareTarget: { replicationId, vm: { ...vm, networks: [...vm.networks] }, isRehearsal: true },
  removeSnapshots: { vmName: 'web-01' },
  restoreTarget: { replicationId, startVm: false },
  attachDisks: { replicationId },
  detachDisks: { replicationId },
  fixGuest: { replicationId },
  startVm: { replicationId },
  stopVm: { replicationId, graceful: true },
  verifyBoot: { replicationId, timeoutSeconds: 900 },
  checkMobilityAgent: { replicationId },
  openReverseSource: point,
  closeReverseSource: point,
  issueCertificate: { agentName: 'mt1', agentKind: 'masterTarget', csrPem: 'x', csrProof: 'y' },
  replicateDisk: {
    ...point,
    diskId: 'lun-0',
    sizeBytes: 512,
    mode: 'delta',
    snapshotName: 'fb-1-p0002-lun-0',
    baseSnapshotName: 'fb-1-p0001-lun-0',
    repair: [
      { offset: 0, length: 512 },
      { offset: 4096, length: 1 },
    ],
    masterTarget: { host: 'mt1.site.example', port: 9443 },
  },
  runScript: { script: 'switch-dns.sh', arguments: { zone: 'shop' }, timeoutSeconds: 600 },
  verifyMasterTarget: { replicationId },
  openTarget: {
    replicationId,
    disks: [
      { diskId: 'os', sizeBytes: 512, device, isBlank: true },
      { diskId: 'lun-0', sizeBytes: 512, device: { kind: 'diskUuid', uuid: 'u' }, isBlank: false },
    ],
  },
  sealRecoveryPoint: { ...point, diskIds: ['os'], takenAt: NOW, consistency: 'crashConsistent' },
  rewindToPoint: point,
  forgetOlderPoints: { replicationId },
  discardUnsealed: { replicationId },
  verifyDisks: { ...point, sampleShare: 0.25 },
  closeTarget: { replicationId, forget: true },
  replicateToAzure: {
    ...point,
    diskId: 'os',
    sizeBytes: 512,
    device,
    replicaBlobName: 'web-01/os.vhd',
  },
};

const OUTPUTS: { readonly [N in CommandName]?: CommandOutput<N> } = {
  describeSite: {
    hypervisor: 'local',
    isConnected: true,
    originalVm: null,
    freeBytes: null,
    restoresStaticAddresses: null,
    configurationServer: null,
    vsphere: null,
    hyperv: null,
    observedAt: NOW,
  },
  replicateDisk: {
    mode: 'checksum',
    modeReason: 'the base snapshot is gone',
    changedBytes: 1024,
    zeroBytes: 512,
    readBytes: 4096,
    sentBytes: 512,
    wireBytes: 100,
    durationMs: 1000,
    resumeCount: 1,
  },
  sealRecoveryPoint: {
    sealedAt: NOW,
    appliedBytes: 1024,
    retainedPointIds: ['fb-1-p0001', 'fb-1-p0002'],
  },
  rewindToPoint: { takenAt: NOW, consistency: 'applicationConsistent' },
  forgetOlderPoints: { forgottenPoints: 11 },
  discardUnsealed: { sealedPointId: null },
  verifyDisks: {
    comparedShare: 0.25,
    blocksCompared: 2,
    bytesCompared: 1024,
    mismatches: [{ diskId: 'os', offset: 0, length: 512 }],
  },
  verifyBoot: { bootedAt: NOW, evidence: 'login:', isBootSimulated: false },
};

const NAMES = Object.keys(COMMANDS) as CommandName[];

function pathsOf(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(({ path }) => path.join('.')).toSorted();
}

describe('the commands', () => {
  it('all have an input here', () => {
    expect(Object.keys(INPUTS).toSorted()).toEqual(NAMES.toSorted());
  });

  it('are known by name, and nothing else is', () => {
    expect(NAMES.every(isCommandName)).toBe(true);
    for (const stranger of ['toString', 'constructor', 'formatDisk', '']) {
      expect(isCommandName(stranger)).toBe(false);
    }
  });

  it.each(NAMES)('%s comes through its schema unchanged', (name) => {
    const sent: unknown = JSON.parse(JSON.stringify(INPUTS[name]));
    expect(COMMANDS[name].input.parse(sent)).toEqual(sent);
  });

  it.each(NAMES)('%s refuses an input without any field, and names the fields', (name) => {
    const required = pathsOf(COMMANDS[name].input, {});
    expect(required.length).toBeGreaterThan(0);
    for (const path of required) expect(INPUTS[name]).toHaveProperty(path);
  });

  it.each(Object.entries(OUTPUTS))('%s has its answer accepted as it is', (name, output) => {
    expect(COMMANDS[name as CommandName].output.parse(output)).toEqual(output);
  });

  it('have every block compared unless a share is asked for', () => {
    expect(COMMANDS.verifyDisks.input.parse(point)).toEqual({ ...point, sampleShare: 1 });
  });

  it.each([
    ['sealRecoveryPoint', 'retainedPointIds'],
    ['verifyDisks', 'comparedShare'],
    ['replicateDisk', 'readBytes'],
  ] as const)('%s has no answer without %s', (name, field) => {
    const { [field as never]: _left, ...rest } = OUTPUTS[name] as object;
    expect(pathsOf(COMMANDS[name].output, rest)).toEqual([field]);
  });

  it.each(NAMES)(
    '%s carries no secret: the queue and the history may be read by others',
    (name) => {
      expect(JSON.stringify(INPUTS[name])).not.toMatch(/sig=|https?:|password|passphrase|token/i);
    },
  );

  it.each([
    [
      'a replication id that leaves its folder',
      'discardUnsealed',
      { replicationId: '../x' },
      'replicationId',
    ],
    ['an empty replication id', 'discardUnsealed', { replicationId: '' }, 'replicationId'],
    ['no disk', 'openTarget', { disks: [] }, 'disks'],
    [
      'a size that is not whole sectors',
      'openTarget',
      { disks: [{ diskId: 'os', sizeBytes: 513, device, isBlank: true }] },
      'disks.0.sizeBytes',
    ],
    [
      'a disk of no bytes',
      'openTarget',
      { disks: [{ diskId: 'os', sizeBytes: 0, device, isBlank: true }] },
      'disks.0.sizeBytes',
    ],
    [
      'a device of an unknown kind',
      'openTarget',
      { disks: [{ diskId: 'os', sizeBytes: 512, device: { kind: 'tape' }, isBlank: true }] },
      'disks.0.device.kind',
    ],
    ['a size beyond safe integers', 'replicateDisk', { sizeBytes: 2 ** 60 }, 'sizeBytes'],
    [
      'a port that does not exist',
      'replicateDisk',
      { masterTarget: { host: 'h', port: 65_536 } },
      'masterTarget.port',
    ],
    ['an unknown mode', 'replicateDisk', { mode: 'guess' }, 'mode'],
    [
      'a repair of no bytes',
      'replicateDisk',
      { repair: [{ offset: 0, length: 0 }] },
      'repair.0.length',
    ],
    ['a proof of nothing', 'verifyDisks', { sampleShare: 0 }, 'sampleShare'],
    ['a proof of more than all', 'verifyDisks', { sampleShare: 1.01 }, 'sampleShare'],
    ['a point that leaves its folder', 'rewindToPoint', { pointId: '../x' }, 'pointId'],
    ['a consistency that is none', 'sealRecoveryPoint', { consistency: 'good' }, 'consistency'],
    ['a time that is none', 'sealRecoveryPoint', { takenAt: 'yesterday' }, 'takenAt'],
    [
      'an agent that may not have a certificate',
      'issueCertificate',
      { agentKind: 'x' },
      'agentKind',
    ],
    ['a request that is too long', 'issueCertificate', { csrPem: 'x'.repeat(8193) }, 'csrPem'],
    ['a boot that may take no time', 'verifyBoot', { timeoutSeconds: 0 }, 'timeoutSeconds'],
    [
      'a VM without disks',
      'prepareTarget',
      { vm: { ...INPUTS.prepareTarget.vm, disks: [] } },
      'vm.disks',
    ],
    [
      'an address that is none',
      'prepareTarget',
      {
        vm: {
          ...INPUTS.prepareTarget.vm,
          networks: [{ name: 'n', staticIpAddress: '10.0.0.256' }],
        },
      },
      'vm.networks.0.staticIpAddress',
    ],
  ] as const satisfies readonly (readonly [string, CommandName, object, string])[])(
    'refuse %s: %s, with the path',
    (_what, name, change, path) => {
      expect(pathsOf(COMMANDS[name].input, { ...INPUTS[name], ...change })).toEqual([path]);
    },
  );
});
