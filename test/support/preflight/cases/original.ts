import type { PreflightFacts } from '../../../../shared/domain/preflight/facts.ts';
import {
  alternateOnVcenter,
  goodAzureVm,
  hyperV,
  lab,
  originalOnHost,
  originalOnVcenter,
  rehearsalOnVcenter,
} from '../good-facts.ts';
import { factsWith, type RuleCases } from '../rule-cases.ts';

const FIRST_DISK = 'location.storage.disks.0';
const SECOND_DISK = 'location.storage.disks.1';
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
    rule: 'original.disks.vsan-and-rdm',
    code: 'FB-PRE-063',
    base: withSpecialDisks,
    violated: [
      [
        'the vSAN disk is gone',
        { [`${FIRST_DISK}.exists`]: false },
        { diskName: 'disk-0', diskKind: 'vSAN', actual: 'gone' },
      ],
      [
        'the RDM disk is detached',
        { [`${SECOND_DISK}.isAttached`]: false },
        { diskName: 'disk-1', diskKind: 'RDM', actual: 'detached' },
      ],
      [
        'the VM in Azure has one more, which would have to be made on vSAN',
        { 'azureVm.disks': [...goodAzureVm().disks, ...goodAzureVm().disks].slice(0, 3) },
        { diskKind: 'vSAN', actual: 'detached: 2 of 3 are there' },
      ],
    ],
    passes: [
      ['only one is special', { [`${FIRST_DISK}.datastoreType`]: 'VMFS' }],
      [
        'one more may be made in Azure VMware Solution',
        {
          'azureVm.disks': [...goodAzureVm().disks, ...goodAzureVm().disks].slice(0, 3),
          'site.management': { kind: 'vcenter', vcenterId: 'vcenter-1', isAvs: true },
        },
      ],
    ],
    doesNotApply: [...elsewhere, ['all disks are files on VMFS', originalOnVcenter]],
    unknown: [
      'site',
      'location',
      'azureVm',
      'site.management',
      'location.storage.disks',
      `${FIRST_DISK}.datastoreType`,
      `${FIRST_DISK}.isRdm`,
      `${FIRST_DISK}.exists`,
      `${FIRST_DISK}.isAttached`,
    ],
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
    doesNotApply: [['a VM will be created', alternateOnVcenter]],
    unknown: ['azureVm', 'location', 'azureVm.generation', 'location.firmware'],
  },
];
