import type { Catalogue } from '../entry.ts';

/** FB-DATA: process server, wire and source. FB-JRN: journal and disks at the master target. */
export const DATA_PLANE_ERRORS = {
  'FB-DATA-001': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The process server could not reach the master target at {host}:{port}.',
    possibleCauses: [
      'The VPN or ExpressRoute between Azure and the site is down.',
      'Port {port} is closed on the way.',
      'The master target program does not run.',
    ],
    recommendedAction:
      'Check the connection and that the master target runs; the transfer resumes where it stopped.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
