import { originalOnVcenter, physicalServer } from '../good-facts.ts';
import type { RuleCases } from '../rule-cases.ts';

const virtual = ['it was a VM', originalOnVcenter] as const;
const OS_NAME = 'protection.origin.osName';

export const PHYSICAL_CASES: readonly RuleCases[] = [
  {
    rule: 'physical.new-vm-only',
    code: 'FB-PRE-070',
    base: physicalServer,
    violated: [['an existing VM was named', { location: originalOnVcenter().location }]],
    doesNotApply: [virtual],
    unknown: ['location'],
  },
  {
    rule: 'physical.os.supported',
    code: 'FB-PRE-071',
    base: physicalServer,
    violated: [
      [
        'it ran Windows Server 2008 R2 SP1',
        { [OS_NAME]: 'Microsoft Windows Server 2008 R2 SP1 Standard' },
        { actual: 'Microsoft Windows Server 2008 R2 SP1 Standard' },
      ],
      ['it ran Windows Server 2008 R2', { [OS_NAME]: 'windows server 2008 r2' }],
    ],
    passes: [['it ran Windows Server 2012 R2', { [OS_NAME]: 'Windows Server 2012 R2' }]],
    doesNotApply: [virtual],
    unknown: [OS_NAME],
  },
  {
    rule: 'physical.target-is-virtual',
    code: 'FB-PRE-072',
    violated: [['a physical machine was named', { location: { kind: 'physicalMachine' } }]],
    passes: [['a VM will be created', { location: physicalServer().location }]],
    unknown: ['location'],
  },
];
