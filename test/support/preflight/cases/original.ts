import { expect } from '@jest/globals';
import type { PreflightFacts } from '../../../../shared/domain/preflight/facts.ts';
import {
  alternateOnVcenter,
  hyperV,
  lab,
  originalOnHost,
  originalOnVcenter,
  rehearsalOnVcenter,
} from '../good-facts.ts';
import { factsWith, type RuleCases } from '../rule-cases.ts';

const FIRST_DISK = 'location.storage.disks.0';
const SECOND_DISK = 'location.storage.disks.1';
const SECOND_MATCH = 'location.storage.matches.1.match';
const MISSING_OS = { diskId: 'os', match: 'missing' };
const ADDED = { 'protection.disksAddedInAzure': ['lun-0'] };
const ALL_ON_VMFS = {
  [`${FIRST_DISK}.datastoreType`]: 'VMFS',
  [`${SECOND_DISK}.isRdm`]: false,
};
const DATASTORE_FACTS = [
  'site',
  'location',
  'masterTarget',
  'site.management',
  'location.storage.disks',
  'masterTarget.machine',
  'masterTarget.machine.visibleDatastores',
];

const elsewhere = [
  ['a VM will be created', alternateOnVcenter],
  ['it is a rehearsal', rehearsalOnVcenter],
  ['it is the lab', lab],
  ['it is Hyper-V', hyperV],
] as const;

const withSpecialDisks = (): PreflightFacts =>
  factsWith(originalOnVcenter, {
    [`${FIRST_DISK}.datastoreType`]: 'vSAN',
    [`${SECOND_DISK}.isRdm`]: true,
  });

/** OLR: rules about the VM that is still on-premises. */
export const ORIGINAL_CASES: readonly RuleCases[] = [
  {
    rule: 'site.target-vm.no-snapshots',
    code: 'FB-PRE-032',
    violated: [
      ['there is one snapshot', { 'location.snapshotCount': 1 }, { actual: 1 }],
      [
        'there is one on the VM whose disks a rehearsal would copy',
        { location: { ...rehearsalOnVcenter().location, originalSnapshotCount: 1 } },
        { actual: 1 },
      ],
    ],
    passes: [['a rehearsal copies its disks', { location: rehearsalOnVcenter().location }]],
    doesNotApply: [['a VM will be created', alternateOnVcenter]],
    unknown: [
      'location',
      'location.snapshotCount',
      ['location.originalSnapshotCount', { location: rehearsalOnVcenter().location }],
    ],
  },
  {
    rule: 'original.registered',
    code: 'FB-PRE-075',
    severity: 'info',
    violated: [['it was taken out of the inventory', { 'location.isRegistered': false }]],
    doesNotApply: [['a VM will be created', alternateOnVcenter]],
    unknown: ['location', 'location.isRegistered'],
  },
  {
    rule: 'original.not-the-live-one',
    code: 'FB-PRE-054',
    violated: [
      [
        'it runs, and the Azure VM is deallocated',
        { 'location.power': 'on', 'azureVm.powerState': 'deallocated' },
        { actual: 'on' },
      ],
      [
        'it runs, and the Azure VM is powered off',
        { 'location.power': 'on', 'azureVm.powerState': 'stopped' },
      ],
    ],
    passes: [
      ['both run', { 'location.power': 'on' }],
      ['both are off', { 'azureVm.powerState': 'deallocated' }],
    ],
    doesNotApply: [
      ['a VM will be created', alternateOnVcenter],
      ['the Azure VM is gone', { 'azureVm.exists': false }],
    ],
    unknown: ['azureVm', 'location', ['location.power', { 'azureVm.powerState': 'deallocated' }]],
  },
  {
    rule: 'original.datastore.seen-under-vcenter',
    code: 'FB-PRE-060',
    violated: [
      [
        'one datastore is not mounted on the host of the master target',
        { [`${SECOND_DISK}.datastore`]: 'ds-9' },
        { datastore: 'ds-9' },
      ],
    ],
    passes: [['the disks are on two datastores', { [`${SECOND_DISK}.datastore`]: 'ds-2' }]],
    doesNotApply: [...elsewhere, ['there is no vCenter', originalOnHost]],
    unknown: DATASTORE_FACTS,
  },
  {
    rule: 'original.datastore.reached-without-vcenter',
    code: 'FB-PRE-061',
    base: originalOnHost,
    violated: [
      [
        'one datastore belongs to another host',
        { [`${SECOND_DISK}.datastore`]: 'ds-9' },
        { datastore: 'ds-9' },
      ],
    ],
    doesNotApply: [...elsewhere, ['there is a vCenter', originalOnVcenter]],
    unknown: DATASTORE_FACTS,
  },
  {
    rule: 'original.host.discovery-finished',
    code: 'FB-PRE-062',
    base: originalOnHost,
    violated: [['discovery goes on', { 'site.management.isDiscoveryFinished': false }]],
    doesNotApply: [...elsewhere, ['there is a vCenter', originalOnVcenter]],
    unknown: ['site', 'location', 'site.management', 'site.management.isDiscoveryFinished'],
  },
  {
    rule: 'original.disks.attached',
    code: 'FB-PRE-063',
    base: withSpecialDisks,
    violated: [
      [
        'the datastore of the vSAN disk is not accessible',
        { [`${FIRST_DISK}.isDatastoreAccessible`]: false },
        { diskName: 'disk-0', actual: expect.stringContaining('vSAN disk on the datastore ds-1') },
      ],
      [
        'the datastore of the RDM disk is not accessible',
        { [`${SECOND_DISK}.isDatastoreAccessible`]: false },
        { diskName: 'disk-1', actual: expect.stringContaining('RDM disk on the datastore ds-1') },
      ],
      [
        'a disk was detached, of whatever kind it was',
        { ...ALL_ON_VMFS, [SECOND_MATCH]: 'missing' },
        { diskName: 'lun-0', actual: expect.stringContaining('detached') },
      ],
      [
        'all disks were detached',
        { 'location.storage.disks': [], 'location.storage.matches': [MISSING_OS] },
        { diskName: 'os' },
      ],
      [
        'another disk was added in Azure than the one that is missing',
        { ...ALL_ON_VMFS, [SECOND_MATCH]: 'missing', 'protection.disksAddedInAzure': ['lun-1'] },
        { diskName: 'lun-0' },
      ],
      [
        'a disk that was added in Azure would have to be made on vSAN',
        { [SECOND_MATCH]: 'missing', 'location.storage.isOnVsan': true, ...ADDED },
        { diskName: 'lun-0', actual: expect.stringContaining('cannot be done on vSAN') },
      ],
    ],
    passes: [
      ['only one is special', { [`${FIRST_DISK}.datastoreType`]: 'VMFS' }],
      [
        'an ordinary disk lies where nobody sees it, which another rule finds',
        { ...ALL_ON_VMFS, [`${FIRST_DISK}.isDatastoreAccessible`]: null },
      ],
      ['a disk that is missing was added in Azure', { [SECOND_MATCH]: 'missing', ...ADDED }],
      [
        'one may be made on the vSAN of Azure VMware Solution',
        {
          [SECOND_MATCH]: 'missing',
          ...ADDED,
          'location.storage.isOnVsan': true,
          'site.management': { kind: 'vcenter', vcenterId: 'vcenter-1', isAvs: true },
        },
      ],
    ],
    doesNotApply: elsewhere,
    unknown: [
      'site',
      'location',
      'location.storage.disks',
      'location.storage.matches',
      ['location.storage.isOnVsan', { [SECOND_MATCH]: 'missing', ...ADDED }],
      [
        'site.management',
        { [SECOND_MATCH]: 'missing', 'location.storage.isOnVsan': true, ...ADDED },
      ],
      `${FIRST_DISK}.datastoreType`,
      `${FIRST_DISK}.isRdm`,
      `${FIRST_DISK}.isDatastoreAccessible`,
    ],
  },
  {
    rule: 'original.disks.told-apart',
    code: 'FB-PRE-078',
    violated: [
      [
        'it may be one or another',
        { [SECOND_MATCH]: 'ambiguous' },
        { diskId: 'lun-0', there: 'scsi0:0 (67108864 bytes), scsi0:1 (33554432 bytes)' },
      ],
      [
        'the one that was named is not there',
        { [SECOND_MATCH]: 'unfound', 'location.storage.disks': null },
        { diskId: 'lun-0', there: 'none' },
      ],
      [
        'it has another size',
        { [SECOND_MATCH]: 'otherSize', [`${FIRST_DISK}.sizeBytes`]: null },
        { there: 'scsi0:0, scsi0:1 (33554432 bytes)' },
      ],
    ],
    passes: [['it is missing, which another rule finds', { [SECOND_MATCH]: 'missing' }]],
    doesNotApply: elsewhere,
    unknown: ['site', 'location', 'location.storage.matches'],
  },
  {
    rule: 'original.firmware.matches',
    code: 'FB-PRE-064',
    violated: [
      [
        'a generation 2 machine would boot from BIOS',
        { 'location.firmware': 'bios' },
        { generation: 'V2', needed: 'efi', actual: 'bios' },
      ],
      [
        'a generation 1 machine would boot from UEFI',
        { 'azureVm.generation': 'V1' },
        { generation: 'V1', needed: 'bios', actual: 'efi' },
      ],
    ],
    passes: [['both boot from BIOS', { 'azureVm.generation': 'V1', 'location.firmware': 'bios' }]],
    doesNotApply: [
      ['a VM will be created', alternateOnVcenter],
      ['it is the lab, whose folders have none', lab],
    ],
    unknown: ['azureVm', 'location', 'azureVm.generation', 'location.firmware'],
  },
];
