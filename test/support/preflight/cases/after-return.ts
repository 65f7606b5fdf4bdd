import { hyperV, lab } from '../good-facts.ts';
import type { RuleCases } from '../rule-cases.ts';

const severity = 'warning';
const gone = ['the VM is gone', { 'azureVm.exists': false }] as const;
const INTERFACES = 'azureVm.guest.staticInterfaces';
const TOOLS = 'azureVm.guest.vmwareTools';
const restored = { name: 'eth0', isAddressRestored: true };
const lost = { name: 'eth1', isAddressRestored: false };

/** What people should know beforehand. */
export const AFTER_RETURN_CASES: readonly RuleCases[] = [
  {
    rule: 'guest.address.static',
    code: 'FB-PRE-110',
    severity,
    violated: [
      ['one of two gets DHCP', { [INTERFACES]: [restored, lost] }, { interfaceName: 'eth1' }],
    ],
    passes: [['all are restored', { [INTERFACES]: [restored] }]],
    doesNotApply: [gone],
    unknown: ['azureVm', INTERFACES],
  },
  {
    rule: 'guest.network-manager',
    code: 'FB-PRE-111',
    severity,
    violated: [['it was removed', { 'azureVm.guest.isNetworkManagerRemoved': true }]],
    doesNotApply: [gone, ['the guest runs Windows', { 'protection.osType': 'Windows' }]],
    unknown: ['azureVm', 'azureVm.guest.isNetworkManagerRemoved'],
  },
  {
    rule: 'guest.vmware-tools',
    code: 'FB-PRE-112',
    severity,
    violated: [
      ['they are off', { [TOOLS]: 'disabled' }, { change: 'enabled again' }],
      ['they are gone', { [TOOLS]: 'absent' }, { change: 'installed again' }],
    ],
    doesNotApply: [
      gone,
      ['the machine needs none', { [TOOLS]: 'notNeeded' }],
      ['it is Hyper-V', hyperV],
      ['it is the lab', lab],
    ],
    unknown: ['site', 'azureVm', TOOLS],
  },
  {
    rule: 'clocks.skew',
    code: 'FB-PRE-093',
    severity,
    violated: [
      [
        'the configuration server is 61 seconds late',
        { 'configurationServer.clockSkewSeconds': -61 },
        { agent: 'configuration server', needed: 60, actual: -61 },
      ],
      [
        'the master target is 61 seconds early',
        { 'masterTarget.clockSkewSeconds': 61 },
        { agent: 'master target', actual: 61 },
      ],
      [
        'the process server is 61 seconds early',
        { 'processServer.clockSkewSeconds': 61 },
        { agent: 'process server' },
      ],
    ],
    passes: [
      ['one is 60 seconds early', { 'masterTarget.clockSkewSeconds': 60 }],
      ['one is 60 seconds late', { 'masterTarget.clockSkewSeconds': -60 }],
    ],
    unknown: [
      'configurationServer',
      'masterTarget',
      'processServer',
      'configurationServer.clockSkewSeconds',
      'masterTarget.clockSkewSeconds',
      'processServer.clockSkewSeconds',
    ],
  },
  {
    rule: 'protection.rpo.within-threshold',
    code: 'FB-PRE-113',
    severity,
    violated: [
      ['it is a second above', { 'protection.rpoSeconds': 901 }, { needed: 900, actual: 901 }],
    ],
    passes: [['it is at the threshold', { 'protection.rpoSeconds': 900 }]],
    doesNotApply: [['there is no point yet', { 'protection.rpoSeconds': 'none' }]],
    unknown: ['protection.rpoSeconds', 'protection.rpoThresholdSeconds'],
  },
];
