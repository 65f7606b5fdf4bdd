import { hyperV, lab, originalOnVcenter } from '../good-facts.ts';
import type { RuleCases } from '../rule-cases.ts';

const fromVmware = ['the VM came from VMware', originalOnVcenter] as const;
const ENCRYPTION = 'protection.origin.dataEncryption';

export const HYPER_V_CASES: readonly RuleCases[] = [
  {
    rule: 'hyperv.failover-committed',
    code: 'FB-PRE-101',
    base: hyperV,
    violated: [
      ['the failover was not committed', { 'protection.origin.isFailoverCommitted': false }],
    ],
    doesNotApply: [fromVmware],
    unknown: ['protection.origin.isFailoverCommitted'],
  },
  {
    rule: 'hyperv.encryption-certificate',
    code: 'FB-PRE-102',
    base: hyperV,
    violated: [
      ['the certificate is missing', { [ENCRYPTION]: { kind: 'on', isCertificateGiven: false } }],
    ],
    passes: [
      ['the certificate was given', { [ENCRYPTION]: { kind: 'on', isCertificateGiven: true } }],
    ],
    doesNotApply: [fromVmware],
    unknown: [ENCRYPTION],
  },
  {
    rule: 'hyperv.switch.same-name',
    code: 'FB-PRE-100',
    base: hyperV,
    violated: [
      [
        'one of two switches is not there',
        { 'site.neededSwitches': ['External', 'DMZ'] },
        { needed: 'DMZ', actual: 'External, Backup' },
      ],
      ['the host has none', { 'site.virtualSwitches': [] }, { actual: 'none' }],
    ],
    passes: [['another one is not needed', { 'site.virtualSwitches': ['External'] }]],
    doesNotApply: [
      ['it is vSphere', originalOnVcenter],
      ['it is the lab', lab],
      ['it is the host the VM had', { 'location.storage.isAlternateHost': false }],
      [
        'the VM is still there',
        { location: { ...originalOnVcenter().location, storage: { kind: 'hyperv' } } },
      ],
    ],
    unknown: [
      'site',
      'location',
      'location.storage.isAlternateHost',
      'site.neededSwitches',
      'site.virtualSwitches',
    ],
  },
];
