import { expect } from '@jest/globals';
import {
  alternateOnVcenter,
  goodAzureVm,
  hyperV,
  lab,
  originalOnVcenter,
  physicalServer,
  rehearsalOnVcenter,
} from '../good-facts.ts';
import { factsWith, type RuleCases } from '../rule-cases.ts';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
const ofOneTebibyte = { ...goodAzureVm().disks[0], sizeBytes: TIB };
const LIMIT = 'processServer.bandwidthLimitMbps';
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
      [
        'the copies of a rehearsal have no room, though the original disks are there',
        { location: { ...rehearsalOnVcenter().location, freeBytes: 96 * MIB - 1 } },
        { neededBytes: 96 * MIB },
      ],
    ],
    passes: [
      ['exactly enough is free', { 'location.freeBytes': 96 * MIB }],
      ['a rehearsal has room', { location: rehearsalOnVcenter().location }],
    ],
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
      ['a rehearsal makes one beside it', rehearsalOnVcenter],
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
        'only other hosts have the datastore',
        { 'location.storage.datastoreHostIds': ['esx-2', 'esx-3'] },
        { needed: 'esx-1', actual: 'esx-2, esx-3', host: 'esx-1.example', datastore: 'ds-1' },
      ],
    ],
    doesNotApply: elsewhere,
    unknown: [
      'site',
      'location',
      'masterTarget',
      'masterTarget.machine',
      'masterTarget.machine.hostId',
      'location.storage.datastoreHostIds',
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
    doesNotApply: [
      ...elsewhere,
      [
        'a rehearsal uses that of the configuration',
        { location: rehearsalOnVcenter().location, 'protection.chosenDatastore': 'none' },
      ],
    ],
    unknown: ['site', 'location', 'protection.chosenDatastore', 'location.storage.datastore'],
  },
  {
    rule: 'alternate.datastore.vmfs-only',
    code: 'FB-PRE-068',
    base: alternateOnVcenter,
    violated: [
      ['it is vSAN', { 'location.storage.datastoreType': 'vSAN' }, { actual: 'vSAN' }],
      ['it is NFS', { 'location.storage.datastoreType': 'NFS' }, { actual: 'NFS' }],
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
    rule: 'location.new-vm.announced',
    code: 'FB-PRE-077',
    severity: 'info',
    violated: [
      [
        'a VM is created for the machine',
        { location: alternateOnVcenter().location },
        { host: 'esx-1.example', datastore: 'ds-1' },
      ],
      [
        'a VM is created for a rehearsal',
        { location: rehearsalOnVcenter().location },
        { host: 'esx-1.example' },
      ],
    ],
    doesNotApply: [
      ['it is the lab', lab],
      ['it is Hyper-V', hyperV],
      ['the target is a physical machine', { location: { kind: 'physicalMachine' } }],
    ],
    unknown: [
      'site',
      'location',
      ['location.storage.hostName', { location: alternateOnVcenter().location }],
      ['location.storage.datastore', { location: alternateOnVcenter().location }],
    ],
  },
  {
    rule: 'location.full-download',
    code: 'FB-PRE-079',
    severity: 'info',
    violated: [
      [
        'a new VM gets everything, at the rate of the circuit',
        { location: alternateOnVcenter().location, 'azureNetwork.linkBitsPerSecond': 8 * MIB },
        {
          size: '96.0 MiB',
          duration: 'about 2 minutes (at the bandwidth of the ExpressRoute circuit, 8.4 Mbit/s)',
        },
      ],
      [
        'the limit of the process server counts before the circuit, and no limit of 0',
        { 'location.hasSeed': false, 'azureVm.disks': [ofOneTebibyte], [LIMIT]: 100 },
        {
          duration: `about 24.4 hours (at the bandwidth limit of the process server, 100 Mbit/s on average)`,
        },
      ],
      [
        'a limit of 0 is no rate',
        { 'location.hasSeed': false, 'azureVm.disks': [ofOneTebibyte], [LIMIT]: 0 },
        { duration: 'about 2.4 hours (at the bandwidth of the ExpressRoute circuit, 1 Gbit/s)' },
      ],
      [
        'what was measured counts before all',
        {
          'location.hasSeed': false,
          'azureVm.disks': [ofOneTebibyte],
          [LIMIT]: 100,
          'protection.measuredRate': { of: 'machine', bytesPerSecond: 10 * MIB },
        },
        {
          duration: 'about 29.1 hours (10.0 MiB/s, as measured in earlier cycles of this machine)',
        },
      ],
      [
        'others behind the same process server were measured',
        {
          'location.hasSeed': false,
          'protection.measuredRate': { of: 'processServer', bytesPerSecond: MIB / 2 },
        },
        {
          duration:
            'about 3 minutes (512.0 KiB/s, as measured in earlier cycles of other machines behind its process server)',
        },
      ],
      [
        'nobody knows the rate of the line: two are shown',
        {
          'location.hasSeed': false,
          'azureNetwork.linkBitsPerSecond': null,
          'azureVm.disks': [ofOneTebibyte],
          processServer: { kind: 'toBeDeployed', freeSubnetAddressCount: 1 },
        },
        {
          size: '1.0 TiB',
          duration:
            'about 24.4 hours at 100 Mbit/s, 2.4 hours at 1 Gbit/s (the rate of the line is not known)',
        },
      ],
      [
        'nothing is known of the network',
        { 'location.hasSeed': false, azureNetwork: null },
        { size: '96.0 MiB' },
      ],
      [
        'the circuit has no rate',
        { 'location.hasSeed': false, 'azureNetwork.linkBitsPerSecond': 0 },
        { duration: expect.stringContaining('the rate of the line is not known') },
      ],
      [
        'a rehearsal has nothing to copy from',
        { location: { ...rehearsalOnVcenter().location, hasSeed: false } },
        { size: '96.0 MiB' },
      ],
    ],
    passes: [
      ['a rehearsal copies its disks at the site', { location: rehearsalOnVcenter().location }],
    ],
    doesNotApply: [
      ['the target is a physical machine', { location: { kind: 'physicalMachine' } }],
      ['there is no VM to download', { 'location.hasSeed': false, 'azureVm.exists': false }],
    ],
    unknown: ['location', 'location.hasSeed', ['azureVm', { 'location.hasSeed': false }]],
  },
];
