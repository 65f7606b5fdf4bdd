import { hyperV, lab, originalOnHost, originalOnVcenter, physicalServer } from '../good-facts.ts';
import type { RuleCases } from '../rule-cases.ts';

const inLab = ['it is the lab', lab] as const;

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
  {
    rule: 'site.vcenter.original',
    code: 'FB-PRE-034',
    violated: [
      [
        'the site has another vCenter',
        { 'site.management.vcenterId': 'vcenter-2' },
        { needed: 'vcenter-1', actual: 'vcenter-2' },
      ],
      [
        'the site has a host without vCenter',
        { 'site.management': { kind: 'standaloneHost', isDiscoveryFinished: true } },
        { needed: 'vcenter-1', actual: 'none' },
      ],
    ],
    doesNotApply: [
      ['the VM came from a host without vCenter', originalOnHost],
      ['the machine was physical', physicalServer],
      ['the site is Hyper-V', hyperV],
    ],
    unknown: [
      'site',
      'site.management',
      'site.management.vcenterId',
      'protection.origin.vcenterId',
    ],
  },
  {
    rule: 'site.vcenter.not-added-later',
    code: 'FB-PRE-036',
    base: originalOnHost,
    violated: [
      [
        'the host is under a vCenter now',
        { 'site.management': { kind: 'vcenter', vcenterId: 'vcenter-9' } },
        { needed: 'none', actual: 'vcenter-9' },
      ],
      [
        'the host is under some vCenter now',
        { 'site.management': { kind: 'vcenter', vcenterId: null } },
      ],
    ],
    doesNotApply: [
      ['the VM came from a vCenter', originalOnVcenter],
      ['the machine was physical', physicalServer],
      ['the site is Hyper-V', hyperV],
    ],
    unknown: ['site', 'site.management', 'protection.origin.vcenterId'],
  },
  {
    rule: 'site.configuration-server.original',
    code: 'FB-PRE-035',
    violated: [
      [
        'another configuration server was chosen',
        { 'protection.chosenConfigurationServerId': 'cs2' },
        { needed: 'cs1', actual: 'cs2' },
      ],
    ],
    unknown: ['protection.originalConfigurationServerId'],
  },
  {
    rule: 'site.account.sees-datastores',
    code: 'FB-PRE-037',
    violated: [['the account is read-only', { 'site.account.canSeeDatastores': false }]],
    doesNotApply: [inLab],
    unknown: ['site', 'site.account.canSeeDatastores'],
  },
  {
    rule: 'site.account.privileges',
    code: 'FB-PRE-038',
    violated: [
      [
        'two privileges are missing',
        { 'site.account.missingPrivileges': ['Network.Assign', 'Datastore.Browse'] },
        { privileges: 'Network.Assign, Datastore.Browse' },
      ],
    ],
    doesNotApply: [inLab],
    unknown: ['site', 'site.account.missingPrivileges'],
  },
  {
    rule: 'site.host.edition',
    code: 'FB-PRE-039',
    violated: ['esxBasic', 'esx.free', 'esx.hypervisor.free'].map(
      (hostEdition) =>
        [`the edition is ${hostEdition}`, { 'site.hostEdition': hostEdition }, {}] as const,
    ),
    passes: [['the edition is an evaluation', { 'site.hostEdition': 'eval' }]],
    doesNotApply: [inLab],
    unknown: ['site', 'site.hostEdition'],
  },
  {
    rule: 'site.master-target.discovered',
    code: 'FB-PRE-073',
    violated: [
      [
        'no master target was found',
        { 'site.discoveredMasterTargetCount': 0 },
        { needed: 1, actual: 0 },
      ],
    ],
    passes: [['there are several', { 'site.discoveredMasterTargetCount': 2 }]],
    doesNotApply: [inLab],
    unknown: ['site', 'site.discoveredMasterTargetCount'],
  },
  {
    rule: 'site.hosts.discovered',
    code: 'FB-PRE-074',
    violated: [
      ['one host is not known', { 'site.neededHosts.0.isDiscovered': false }, { hosts: 'esx-1' }],
    ],
    doesNotApply: [inLab],
    unknown: ['site', 'site.neededHosts'],
  },
  {
    rule: 'site.hosts.not-in-maintenance',
    code: 'FB-PRE-094',
    violated: [
      [
        'one host is in maintenance mode',
        { 'site.neededHosts.0.isInMaintenance': true },
        { hosts: 'esx-1' },
      ],
    ],
    passes: [
      [
        'a host was not discovered, which another rule says',
        { 'site.neededHosts.0': { name: 'x', isDiscovered: false, isInMaintenance: null } },
      ],
    ],
    doesNotApply: [inLab],
    unknown: ['site', 'site.neededHosts', 'site.neededHosts.0.isInMaintenance'],
  },
];
