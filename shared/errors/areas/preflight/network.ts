import type { Catalogue } from '../../entry.ts';

/** FB-PRE: process servers and the line to the site. */
export const NETWORK_PREFLIGHT_ERRORS = {
  'FB-PRE-080': {
    severity: 'critical',
    category: 'preflight',
    message: 'There is no process server, and none can be deployed.',
    possibleCauses: ['None is registered, and deployment is not set up.'],
    recommendedAction: 'Register a process server, or set up its deployment (docs/operating.md).',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-081': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The process server {server} was last heard of {actual} seconds ago; at most {needed} are fine.',
    possibleCauses: ['It is switched off, or cannot reach the Function App.'],
    recommendedAction: 'Start the process server, or restore its network.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-082': {
    severity: 'critical',
    category: 'preflight',
    message: 'The process server does not reach the master target on port 9443.',
    possibleCauses: [
      'A firewall or a network security group is in the way.',
      'The line is down.',
      'The program does not run.',
    ],
    recommendedAction:
      'Open port 9443 from the process server to the master target, and check the line and the program.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-083': {
    severity: 'warning',
    category: 'preflight',
    message:
      'The process server {server} is small for {changeBytesPerDay} changed bytes a day: {what} should be {needed} and is {actual}.',
    possibleCauses: ['The machines change more than the size was chosen for.'],
    recommendedAction: 'Resize the process server, or spread the machines over several.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-084': {
    severity: 'critical',
    category: 'preflight',
    message: 'The process server is not where it has to be: {actual} instead of {needed}.',
    possibleCauses: [
      'It was deployed in another virtual network.',
      'It is on-premises behind a VPN.',
    ],
    recommendedAction:
      'Use a process server in the virtual network of the VM. One on-premises needs ExpressRoute.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-085': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The subnet of the VM has {actual} free addresses; {needed} is needed for the process server.',
    possibleCauses: ['The subnet is full.'],
    recommendedAction:
      'Enlarge the subnet, free an address, or deploy the process server by hand in another subnet of the network.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-086': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The network of the VM has no working line to the site: {needed} is needed, there is {actual}.',
    possibleCauses: ['No gateway was made.', 'The connection is down on one side.'],
    recommendedAction:
      'Set up a site-to-site VPN or ExpressRoute between the network of the VM and the site.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-087': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The ExpressRoute circuit carries no traffic to storage: {needed} is needed, there is {actual}.',
    possibleCauses: ['Only private peering was set up, without private endpoints for storage.'],
    recommendedAction:
      'Add Microsoft peering, or make private endpoints for the storage accounts and disk accesses.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-088': {
    severity: 'warning',
    category: 'preflight',
    message: 'The private cloud is reached over {actual}; {needed} is meant for it.',
    possibleCauses: [
      'The circuit of the private cloud is not connected to the network of the Azure VM.',
      'The process server stands in another network.',
    ],
    recommendedAction:
      'Connect the ExpressRoute circuit of the private cloud to the virtual network of the process server.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
