import type { RuleCases } from '../rule-cases.ts';

/** The second disk: a rule must look at every one. */
const DISK = 'azureVm.disks.1';
const diskName = 'web-01-data';

export const AZURE_DISK_CASES: readonly RuleCases[] = [
  {
    rule: 'azure.disk.not-ade-encrypted',
    code: 'FB-PRE-020',
    violated: [['one disk is encrypted', { [`${DISK}.isAdeEncrypted`]: true }, { diskName }]],
    unknown: ['azureVm', `${DISK}.isAdeEncrypted`],
  },
  {
    rule: 'azure.disk.not-shared',
    code: 'FB-PRE-021',
    violated: [['one disk is shared', { [`${DISK}.isShared`]: true }, { diskName }]],
    unknown: ['azureVm', `${DISK}.isShared`],
  },
  {
    rule: 'azure.disk.not-ephemeral',
    code: 'FB-PRE-022',
    violated: [['one disk is ephemeral', { [`${DISK}.isEphemeral`]: true }, { diskName }]],
    unknown: ['azureVm', `${DISK}.isEphemeral`],
  },
  {
    rule: 'azure.disk.export-allowed',
    code: 'FB-PRE-023',
    violated: [['export is denied', { [`${DISK}.networkAccessPolicy`]: 'DenyAll' }, { diskName }]],
    passes: [['export is private', { [`${DISK}.networkAccessPolicy`]: 'AllowPrivate' }]],
    unknown: ['azureVm', `${DISK}.networkAccessPolicy`],
  },
];
