import type { PreflightFacts } from '../../../../shared/domain/preflight/facts.ts';
import { DISKS } from '../../memory/builders.ts';
import { goodAzureVm, originalOnVcenter } from '../good-facts.ts';
import { factsWith, type RuleCases } from '../rule-cases.ts';

/** The second disk: a rule must look at every one. */
const DISK = 'azureVm.disks.1';
const diskName = 'web-01-data';
const TIB = 1024 ** 4;
const privateDisk = (): PreflightFacts =>
  factsWith(originalOnVcenter, {
    [`${DISK}.networkAccessPolicy`]: 'AllowPrivate',
    [`${DISK}.isPrivateExportReachable`]: true,
  });

export const AZURE_DISK_CASES: readonly RuleCases[] = [
  {
    rule: 'azure.disk.as-recorded',
    code: 'FB-PRE-027',
    violated: [
      [
        'one disk was resized',
        { [`${DISK}.sizeBytes`]: 5 },
        { diskName, difference: 'was resized' },
      ],
      [
        'one disk was detached',
        { 'azureVm.disks': goodAzureVm().disks.slice(0, 1) },
        { diskName, difference: 'is missing' },
      ],
      [
        'one disk was attached since',
        { 'protection.disks': [DISKS[0]] },
        { diskName, difference: 'is not known' },
      ],
    ],
    unknown: ['azureVm'],
  },
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
  {
    rule: 'azure.disk.private-export-reachable',
    code: 'FB-PRE-026',
    base: privateDisk,
    violated: [
      [
        'nothing reaches the private disk',
        { [`${DISK}.isPrivateExportReachable`]: false },
        { diskName },
      ],
    ],
    doesNotApply: [['no disk is private', originalOnVcenter]],
    unknown: ['azureVm', `${DISK}.networkAccessPolicy`, `${DISK}.isPrivateExportReachable`],
  },
  {
    rule: 'azure.disk.size-within-limit',
    code: 'FB-PRE-024',
    violated: [
      [
        'one disk is a sector above 8 TiB',
        { [`${DISK}.sizeBytes`]: 8 * TIB + 512 },
        { diskName, needed: 8 * TIB, actual: 8 * TIB + 512 },
      ],
    ],
    passes: [['one disk has 8 TiB', { [`${DISK}.sizeBytes`]: 8 * TIB }]],
    unknown: ['azureVm'],
  },
  {
    rule: 'azure.disk.sector-size',
    code: 'FB-PRE-025',
    violated: [
      [
        'one disk has sectors of 4096 bytes',
        { [`${DISK}.logicalSectorBytes`]: 4096 },
        { diskName, needed: 512, actual: 4096 },
      ],
    ],
    unknown: ['azureVm', `${DISK}.logicalSectorBytes`],
  },
];
