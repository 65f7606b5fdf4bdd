import type { Catalogue } from '../../entry.ts';

/** FB-PRE: what people should know beforehand; nothing of it stands in the way. */
export const AFTER_RETURN_PREFLIGHT_ERRORS = {
  'FB-PRE-093': {
    severity: 'warning',
    category: 'preflight',
    message: 'The clock of the {agent} is {actual} seconds off; at most {needed} are fine.',
    possibleCauses: ['Time synchronization is off, or the host gives a wrong time.'],
    recommendedAction: 'Synchronize the clock of the {agent}.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-110': {
    severity: 'warning',
    category: 'preflight',
    message: 'The interface {interfaceName} had a static address and will get its address by DHCP.',
    possibleCauses: [
      'Static addresses were changed to DHCP by the failover, and none is given for the way back.',
    ],
    recommendedAction:
      'Give a static address for the network in the target of the protected item, or set it in the guest after the return.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-111': {
    severity: 'warning',
    category: 'preflight',
    message: 'NetworkManager was removed from the guest by the failover.',
    possibleCauses: ['The preparation of Linux guests for Azure takes it out.'],
    recommendedAction:
      'Nothing need be done: it is put back with the guest fix-ups. Look at their report, and install it by hand where they could not.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-112': {
    severity: 'warning',
    category: 'preflight',
    message: 'VMware Tools are {actual} in the guest and will be {change}.',
    possibleCauses: ['The failover switches them off on Windows and removes them on Linux.'],
    recommendedAction:
      'Install the mobility agent as a service while the machine is still in Azure (docs/operating.md): at home it starts the tools, or installs them on Linux. The report of the job says what came of it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-113': {
    severity: 'warning',
    category: 'preflight',
    message: 'The newest recovery point is {actual} seconds old; the threshold is {needed}.',
    possibleCauses: [
      'The line or the process server is too slow for the changes.',
      'The replication is held up.',
    ],
    recommendedAction:
      'See the health of the job. The final delta takes as long as it has to catch up.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
