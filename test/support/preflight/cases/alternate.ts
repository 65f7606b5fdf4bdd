import {
  alternateOnVcenter,
  hyperV,
  lab,
  originalOnVcenter,
  physicalServer,
} from '../good-facts.ts';
import { factsWith, type RuleCases } from '../rule-cases.ts';

const MIB = 1024 ** 2;
const AVS = { kind: 'vcenter', vcenterId: 'vcenter-1', isAvs: true };
const elsewhere = [
  ['it goes to its own VM', originalOnVcenter],
  ['it is the lab', lab],
  ['it is Hyper-V', hyperV],
] as const;

/** ALR: rules about the VM that will be created. */
export const ALTERNATE_CASES: readonly RuleCases[] = [
  {
    rule: 'site.datastore.free-space',
    code: 'FB-PRE-033',
    base: alternateOnVcenter,
    violated: [
      [
        'one byte is missing',
        { 'location.freeBytes': 96 * MIB - 1 },
        { neededBytes: 96 * MIB, actualBytes: 96 * MIB - 1 },
      ],
    ],
    passes: [['exactly enough is free', { 'location.freeBytes': 96 * MIB }]],
    doesNotApply: [['the original disks are there', originalOnVcenter]],
    unknown: ['location', 'azureVm', 'location.freeBytes'],
  },
  {
    rule: 'alternate.original-is-gone',
    code: 'FB-PRE-065',
    base: alternateOnVcenter,
    violated: [['the original VM is still there', { 'location.doesOriginalExist': true }]],
    doesNotApply: [
      ['it goes to its own VM', originalOnVcenter],
      ['a physical server has no VM', physicalServer],
    ],
    unknown: ['location', 'location.doesOriginalExist'],
  },
  {
    rule: 'alternate.leaving-original.is-off',
    code: 'FB-PRE-076',
    base: () => factsWith(alternateOnVcenter, { 'location.leavingOriginal': 'off' }),
    violated: [['it runs', { 'location.leavingOriginal': 'on' }, { needed: 'off', actual: 'on' }]],
    doesNotApply: [
      ['it goes to its own VM', originalOnVcenter],
      ['none leaves the inventory', alternateOnVcenter],
    ],
    unknown: ['location', 'location.leavingOriginal'],
  },
  {
    rule: 'alternate.host.of-master-target',
    code: 'FB-PRE-066',
    base: alternateOnVcenter,
    violated: [
      [
        'another host was chosen',
        { 'location.storage.hostId': 'esx-2' },
        { needed: 'esx-1', actual: 'esx-2' },
      ],
    ],
    doesNotApply: elsewhere,
    unknown: [
      'site',
      'location',
      'masterTarget',
      'masterTarget.machine',
      'masterTarget.machine.hostId',
      'location.storage.hostId',
    ],
  },
  {
    rule: 'alternate.datastore.chosen',
    code: 'FB-PRE-067',
    base: alternateOnVcenter,
    violated: [
      [
        'another datastore would be used',
        { 'location.storage.datastore': 'ds-2' },
        { needed: 'ds-1', actual: 'ds-2' },
      ],
      ['none was chosen', { 'protection.chosenDatastore': 'none' }, { needed: 'none' }],
    ],
    doesNotApply: elsewhere,
    unknown: ['site', 'location', 'protection.chosenDatastore', 'location.storage.datastore'],
  },
  {
    rule: 'alternate.datastore.vmfs-only',
    code: 'FB-PRE-068',
    base: alternateOnVcenter,
    violated: [
      ['it is vSAN', { 'location.storage.datastoreType': 'vSAN' }, { actual: 'vSAN' }],
      ['it is NFS', { 'location.storage.datastoreType': 'NFS' }, { actual: 'NFS' }],
      ['RDM disks are asked for', { 'location.storage.usesRdm': true }, { actual: 'RDM' }],
      [
        'it is something else in Azure VMware Solution',
        { 'site.management': AVS, 'location.storage.datastoreType': 'other' },
        { needed: 'VMFS, vSAN, NFS', actual: 'other' },
      ],
    ],
    passes: [
      [
        'it is the vSAN of Azure VMware Solution',
        { 'site.management': AVS, 'location.storage.datastoreType': 'vSAN' },
      ],
      [
        'it is NFS in Azure VMware Solution',
        { 'site.management': AVS, 'location.storage.datastoreType': 'NFS' },
      ],
    ],
    doesNotApply: elsewhere,
    unknown: [
      'site',
      'location',
      'location.storage.datastoreType',
      'location.storage.usesRdm',
      ['site.management', { 'location.storage.datastoreType': 'vSAN' }],
    ],
  },
  {
    rule: 'alternate.name.free',
    code: 'FB-PRE-069',
    base: alternateOnVcenter,
    violated: [['the name is taken', { 'location.storage.isNameTaken': true }]],
    doesNotApply: elsewhere,
    unknown: ['site', 'location', 'location.storage.isNameTaken'],
  },
  {
    rule: 'location.full-download',
    code: 'FB-PRE-079',
    severity: 'info',
    violated: [
      [
        'a new VM gets everything, at the rate of the line',
        { location: alternateOnVcenter().location, 'azureNetwork.linkBitsPerSecond': 8 * MIB },
        { bytes: 48 * MIB, duration: 'about 48 seconds' },
      ],
      [
        'a VM without a seed gets everything, in a time that is not known',
        { 'location.hasSeed': false, 'azureNetwork.linkBitsPerSecond': null },
        { bytes: 48 * MIB, duration: 'an unknown time' },
      ],
      [
        'a disk counts in full when its use is not known',
        { 'location.hasSeed': false, 'azureVm.disks.1.usedBytes': null, azureNetwork: null },
        { bytes: 64 * MIB, duration: 'an unknown time' },
      ],
      [
        'the line has no rate',
        { 'location.hasSeed': false, 'azureNetwork.linkBitsPerSecond': 0 },
        { duration: 'an unknown time' },
      ],
    ],
    doesNotApply: [
      ['the target is a physical machine', { location: { kind: 'physicalMachine' } }],
      ['there is no VM to download', { 'location.hasSeed': false, 'azureVm.exists': false }],
    ],
    unknown: ['location', 'location.hasSeed', ['azureVm', { 'location.hasSeed': false }]],
  },
];
