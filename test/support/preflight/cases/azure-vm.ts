import type { RuleCases } from '../rule-cases.ts';

const gone = ['the VM is gone', { 'azureVm.exists': false }] as const;

export const AZURE_VM_CASES: readonly RuleCases[] = [
  {
    rule: 'azure.vm.exists',
    code: 'FB-PRE-010',
    violated: [['the VM is gone', { 'azureVm.exists': false }]],
    passes: [['the VM is stopped', { 'azureVm.powerState': 'deallocated' }]],
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
