import type { Catalogue } from '../entry.ts';

/** FB-SITE: configuration server and hypervisors. FB-AGENT: registration of agents. */
export const SITE_ERRORS = {
  'FB-AGENT-001': {
    severity: 'warning',
    category: 'agent',
    message: 'The mobility agent is not installed or has not registered yet on {vmName}.',
    possibleCauses: [
      'The VM booted a moment ago; registration takes up to 15 minutes.',
      'The agent service in the guest does not run or cannot reach the configuration server.',
    ],
    recommendedAction:
      'Wait. If it stays so for 15 minutes, check the agent service in the guest and its way to the configuration server.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
