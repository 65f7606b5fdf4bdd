import { hyperV, lab, physicalServer } from '../good-facts.ts';
import type { RuleCases } from '../rule-cases.ts';

export const SITE_CASES: readonly RuleCases[] = [
  {
    rule: 'site.hypervisor.connected',
    code: 'FB-PRE-030',
    violated: [['the hypervisor is away', { 'site.isConnected': false }]],
    unknown: ['site'],
  },
  {
    rule: 'site.hypervisor.same-family',
    code: 'FB-PRE-031',
    violated: [
      [
        'a VMware machine should go to Hyper-V',
        { site: hyperV().site },
        { origin: 'VMware', hypervisor: 'hyperv' },
      ],
      [
        'a Hyper-V machine should go to VMware',
        { 'protection.origin': hyperV().protection.origin },
        { origin: 'HyperV', hypervisor: 'vsphere' },
      ],
      [
        'a physical machine should go to Hyper-V',
        { 'protection.origin': physicalServer().protection.origin, site: hyperV().site },
        { origin: 'Physical', hypervisor: 'hyperv' },
      ],
    ],
    passes: [
      [
        'a physical machine becomes virtual on VMware',
        { 'protection.origin': physicalServer().protection.origin },
      ],
      [
        'Hyper-V goes to Hyper-V',
        { 'protection.origin': hyperV().protection.origin, site: hyperV().site },
      ],
      ['the lab takes everything', { site: lab().site }],
    ],
    unknown: ['site'],
  },
];
