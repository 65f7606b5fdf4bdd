import { MIN_RETENTION_FREE_BYTES } from '../../../../shared/policy/limits.ts';
import {
  alternateOnAvs,
  alternateOnVcenter,
  hyperV,
  lab,
  originalOnVcenter,
} from '../good-facts.ts';
import { type Changes, factsWith, type RuleCases } from '../rule-cases.ts';

const GIB = 1024 ** 3;
const MACHINE = ['site', 'masterTarget', 'masterTarget.machine'];
const PREPARATION = 'masterTarget.machine.preparation';
const elsewhere = [
  ['it is the lab', lab],
  ['it is Hyper-V', hyperV],
] as const;
const onWindows = [
  'the master target runs Windows',
  { [PREPARATION]: { kind: 'windows' } },
] as const;
const toBeDeployed = { kind: 'toBeDeployed', freeSubnetAddressCount: 1 };

export const MASTER_TARGET_CASES: readonly RuleCases[] = [
  {
    rule: 'master-target.os.same-family',
    code: 'FB-PRE-040',
    violated: [
      [
        'the master target runs Windows',
        { 'masterTarget.osType': 'Windows' },
        { needed: 'Linux', actual: 'Windows' },
      ],
    ],
    unknown: ['masterTarget'],
  },
  {
    rule: 'master-target.disks.within-limit',
    code: 'FB-PRE-041',
    violated: [
      ['one slot is missing', { 'masterTarget.attachedDiskCount': 59 }, { needed: 61, limit: 60 }],
    ],
    passes: [['the last two slots are free', { 'masterTarget.attachedDiskCount': 58 }]],
    unknown: ['masterTarget', 'azureVm'],
  },
  {
    rule: 'master-target.retention.usable',
    code: 'FB-PRE-042',
    violated: [
      [
        'one byte is missing',
        { 'masterTarget.retentionFreeBytes': MIN_RETENTION_FREE_BYTES - 1 },
        { actualBytes: MIN_RETENTION_FREE_BYTES - 1, isWritable: true },
      ],
      [
        'the volume is read-only',
        { 'masterTarget.isRetentionWritable': false },
        { isWritable: false },
      ],
    ],
    passes: [
      ['it is just enough', { 'masterTarget.retentionFreeBytes': MIN_RETENTION_FREE_BYTES }],
    ],
    unknown: ['masterTarget'],
  },
  {
    rule: 'master-target.retention.separate-volume',
    code: 'FB-PRE-043',
    violated: [['it is on the system volume', { 'masterTarget.isRetentionSeparateVolume': false }]],
    doesNotApply: elsewhere,
    unknown: [...MACHINE, 'masterTarget.isRetentionSeparateVolume'],
  },
  {
    rule: 'master-target.vm.no-snapshots',
    code: 'FB-PRE-044',
    violated: [
      ['there is one snapshot', { 'masterTarget.machine.snapshotCount': 1 }, { actual: 1 }],
    ],
    doesNotApply: elsewhere,
    unknown: [...MACHINE, 'masterTarget.machine.snapshotCount'],
  },
  {
    rule: 'master-target.vm.disk-enable-uuid',
    code: 'FB-PRE-045',
    violated: [
      [
        'it is FALSE',
        { 'masterTarget.machine.diskEnableUuid': 'FALSE' },
        { needed: 'TRUE', actual: 'FALSE' },
      ],
      ['it is not set', { 'masterTarget.machine.diskEnableUuid': '' }, { actual: 'not set' }],
      [
        'the guest was not restarted since',
        { 'masterTarget.machine.preparation.hasDiskUuids': false },
        { actual: 'not in effect yet' },
      ],
    ],
    passes: [
      ['it is written small', { 'masterTarget.machine.diskEnableUuid': 'true' }],
      [
        'it is set for a machine with Windows, which always shows them',
        { 'masterTarget.machine.preparation': { kind: 'windows' } },
      ],
    ],
    doesNotApply: elsewhere,
    unknown: [
      ...MACHINE,
      'masterTarget.machine.diskEnableUuid',
      'masterTarget.machine.preparation.hasDiskUuids',
    ],
  },
  {
    rule: 'master-target.vm.vmware-tools',
    code: 'FB-PRE-046',
    violated: [['they are not installed', { 'masterTarget.machine.hasVmwareTools': false }]],
    doesNotApply: elsewhere,
    unknown: [...MACHINE, 'masterTarget.machine.hasVmwareTools'],
  },
  {
    rule: 'master-target.version.not-newer',
    code: 'FB-PRE-047',
    violated: [
      [
        'the process server is older',
        { 'processServer.version': '0.9.9' },
        { actual: '1.0.0', needed: '0.9.9', program: 'process server' },
      ],
      [
        'the configuration server is older',
        { 'configurationServer.version': '0.10.0' },
        { actual: '1.0.0', needed: '0.10.0', program: 'configuration server' },
      ],
    ],
    passes: [
      ['it is older itself', { 'masterTarget.version': '0.9.9' }],
      ['parts are compared as numbers', { 'masterTarget.version': '1.2.0', ...versions('1.10.0') }],
      ['the process server is not deployed yet', { processServer: toBeDeployed }],
    ],
    unknown: [
      'masterTarget',
      'processServer',
      'configurationServer',
      'processServer.version',
      'configurationServer.version',
    ],
  },
  {
    rule: 'master-target.linux.packages',
    code: 'FB-PRE-048',
    violated: [
      [
        'two are missing',
        { [`${PREPARATION}.missingPackages`]: ['multipath-tools', 'lsscsi'] },
        { packages: 'multipath-tools, lsscsi' },
      ],
    ],
    doesNotApply: [...elsewhere, onWindows],
    unknown: [...MACHINE, `${PREPARATION}.missingPackages`],
  },
  {
    rule: 'master-target.linux.custom-changes',
    code: 'FB-PRE-049',
    violated: [
      ['they were never applied', { [`${PREPARATION}.customChangesCount`]: 0 }, { actual: 0 }],
      ['they were applied twice', { [`${PREPARATION}.customChangesCount`]: 2 }, { actual: 2 }],
    ],
    doesNotApply: [...elsewhere, onWindows],
    unknown: [...MACHINE, `${PREPARATION}.customChangesCount`],
  },
  {
    rule: 'master-target.linux.restarted',
    code: 'FB-PRE-050',
    violated: [['it was not restarted', { [`${PREPARATION}.isRestartedSince`]: false }]],
    doesNotApply: [...elsewhere, onWindows],
    unknown: [...MACHINE, `${PREPARATION}.isRestartedSince`],
  },
  {
    rule: 'master-target.vm.on-vsan',
    code: 'FB-PRE-053',
    base: alternateOnAvs,
    violated: [
      ['it lies elsewhere', { 'masterTarget.machine.isOnVsan': false }],
      [
        'it lies elsewhere, and one disk of the original VM on vSAN',
        {
          location: factsWith(originalOnVcenter, {
            'location.storage.disks.1.datastoreType': 'vSAN',
          }).location,
          'masterTarget.machine.isOnVsan': false,
        },
      ],
    ],
    doesNotApply: [
      ['the disks are files on VMFS', originalOnVcenter],
      ['new disks are files on VMFS', alternateOnVcenter],
      ['it is the lab', lab],
      ['it is Hyper-V', hyperV],
    ],
    unknown: [
      'site',
      'location',
      'masterTarget',
      'masterTarget.machine',
      'masterTarget.machine.isOnVsan',
      'location.storage.datastoreType',
    ],
  },
  {
    rule: 'master-target.vm.own-uuid',
    code: 'FB-PRE-051',
    violated: [
      [
        'both have one UUID, in other letters',
        { 'masterTarget.machine.biosUuid': 'UUID-VM' },
        { actual: 'UUID-VM' },
      ],
    ],
    doesNotApply: elsewhere,
    unknown: [...MACHINE, 'location', 'location.storage.biosUuid', 'masterTarget.machine.biosUuid'],
  },
  {
    rule: 'master-target.retention.room-for-changes',
    code: 'FB-PRE-052',
    severity: 'warning',
    violated: [
      [
        'one byte is missing',
        { 'masterTarget.retentionFreeBytes': 10 * GIB - 1 },
        { needed: 10 * GIB, actual: 10 * GIB - 1 },
      ],
      [
        'twice the time is retained',
        { 'masterTarget.retentionFreeBytes': 10 * GIB, 'protection.retentionSeconds': 172_800 },
        { needed: 20 * GIB },
      ],
    ],
    passes: [['it is just enough', { 'masterTarget.retentionFreeBytes': 10 * GIB }]],
    unknown: ['masterTarget', 'protection.changeBytesPerDay', 'protection.retentionSeconds'],
  },
];

function versions(version: string): Changes {
  return { 'processServer.version': version, 'configurationServer.version': version };
}
