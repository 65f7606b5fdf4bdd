import { MIN_RETENTION_FREE_BYTES } from '../../../../shared/policy/limits.ts';
import type { RuleCases } from '../rule-cases.ts';

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
];
