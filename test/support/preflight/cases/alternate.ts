import { alternateOnVcenter, originalOnVcenter } from '../good-facts.ts';
import type { RuleCases } from '../rule-cases.ts';

const MIB = 1024 ** 2;

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
];
