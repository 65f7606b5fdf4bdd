import type { RuleCases } from '../rule-cases.ts';

const gone = ['the VM is gone', { 'azureVm.exists': false }] as const;
const aDisk = {
  id: 'lun-1',
  diskName: 'web-01-more',
  sizeBytes: 1024 ** 2,
  logicalSectorBytes: 512,
  isAdeEncrypted: false,
  isShared: false,
  isEphemeral: false,
  networkAccessPolicy: 'AllowAll',
  isPrivateExportReachable: null,
};

export const AZURE_VM_CASES: readonly RuleCases[] = [
  {
    rule: 'azure.vm.exists',
    code: 'FB-PRE-010',
    violated: [['the VM is gone', { 'azureVm.exists': false }]],
    passes: [['the VM is stopped', { 'azureVm.powerState': 'deallocated' }]],
    unknown: ['azureVm'],
  },
  {
    rule: 'azure.vm.not-moved',
    code: 'FB-PRE-013',
    violated: [
      [
        'the VM is in another resource group now',
        {
          'azureVm.exists': false,
          'azureVm.whereabouts': { kind: 'moved', resourceGroup: 'rg-new' },
        },
        { resourceGroup: 'rg-new' },
      ],
    ],
    passes: [
      ['the VM is in its place, wherever else one was looked for', { 'azureVm.whereabouts': null }],
    ],
    doesNotApply: [
      [
        'the VM is nowhere',
        { 'azureVm.exists': false, 'azureVm.whereabouts': { kind: 'nowhere' } },
      ],
    ],
    unknown: ['azureVm', ['azureVm.whereabouts', { 'azureVm.exists': false }]],
  },
  {
    rule: 'azure.vm.same-machine',
    code: 'FB-PRE-014',
    violated: [
      [
        'a VM was made anew under the name',
        { 'azureVm.vmId': 'azure-vm-2' },
        { needed: 'azure-vm-1', actual: 'azure-vm-2' },
      ],
    ],
    doesNotApply: [gone],
    unknown: ['azureVm', 'azureVm.vmId', 'protection.azureVmId'],
  },
  {
    rule: 'azure.vm.migration-not-completed',
    code: 'FB-PRE-015',
    violated: [['the migration was completed', { 'protection.isMigrationCompleted': true }]],
    unknown: ['protection.isMigrationCompleted'],
  },
  {
    rule: 'azure.vm.disk-count',
    code: 'FB-PRE-016',
    violated: [
      [
        'there are 61 disks',
        { 'azureVm.disks': Array.from({ length: 61 }, () => aDisk) },
        { needed: 60, actual: 61 },
      ],
    ],
    passes: [['there are 60 disks', { 'azureVm.disks': Array.from({ length: 60 }, () => aDisk) }]],
    doesNotApply: [gone],
    unknown: ['azureVm'],
  },
  {
    rule: 'azure.vm.not-confidential',
    code: 'FB-PRE-011',
    violated: [['the VM is confidential', { 'azureVm.isConfidential': true }]],
    doesNotApply: [gone],
    unknown: ['azureVm', 'azureVm.isConfidential'],
  },
  {
    rule: 'azure.vm.not-locked',
    code: 'FB-PRE-012',
    violated: [['there are locks', { 'azureVm.locks': ['a', 'b'] }, { locks: 'a, b' }]],
    doesNotApply: [gone],
    unknown: ['azureVm', 'azureVm.locks'],
  },
];
