import type { Catalogue } from '../entry.ts';

/** FB-HLT: what is wrong with an item that nothing has failed for yet. */
export const HEALTH_ERRORS = {
  'FB-HLT-001': {
    severity: 'warning',
    category: 'health',
    message:
      'The newest recovery point of {itemName} is {minutes} minutes old; {thresholdMinutes} are allowed.',
    possibleCauses: [
      'More changes on the machine than the line carries.',
      'An agent or the storage it writes to holds the replication up.',
      'The threshold is shorter than the pause between two cycles.',
    ],
    recommendedAction:
      'Look at the progress and the health of the job; widen the line, shorten the cycle or raise rpoThresholdMinutes.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-HLT-002': {
    severity: 'critical',
    category: 'health',
    message: 'The {kind} {name} has not been heard of since {since}; {itemName} stands still.',
    possibleCauses: [
      'The program or its machine is down.',
      'It cannot reach the Function App.',
      'It was never registered under this name.',
    ],
    recommendedAction: 'Start the agent, or mend its way to the Function App.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-HLT-003': {
    severity: 'warning',
    category: 'health',
    message: 'The last job {jobId} failed: {code} {message}',
    possibleCauses: ['See the error of the job.'],
    recommendedAction: 'Mend what the error names, then resume or restart the job.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-HLT-004': {
    severity: 'warning',
    category: 'health',
    message: 'The job {jobId} of {itemName} waits for a person: {gate}.',
    possibleCauses: ['It has come to a gate that nobody was told to pass by itself.'],
    recommendedAction: 'Look at the job and decide.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-HLT-005': {
    severity: 'warning',
    category: 'health',
    message:
      'The {kind} {name} has not been heard of since {since}; {itemName} could not be failed back now.',
    possibleCauses: [
      'The program or its machine is down.',
      'It cannot reach the Function App.',
      'It was never registered under this name.',
    ],
    recommendedAction: 'Start the agent before a failback is wanted.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-HLT-006': {
    severity: 'warning',
    category: 'health',
    message: 'The last delta of {itemName} towards Azure failed: {code} {message}',
    possibleCauses: ['See the error that the message names.'],
    recommendedAction: 'Mend what it names; the next delta is tried by itself.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-HLT-007': {
    severity: 'critical',
    category: 'health',
    message: 'Nothing sends the changes of {itemName} towards Azure: its replication did not run.',
    possibleCauses: [
      'Its orchestration was ended or purged with the durable management API.',
      'Storage was out of reach for longer than all retries.',
    ],
    recommendedAction:
      'Nothing at first: it is started anew every five minutes, and this goes when a delta has arrived. If it stays, look at the storage account of the app.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-HLT-008': {
    severity: 'critical',
    category: 'health',
    message: 'The way back of {itemName} to Azure broke off: it may run nowhere.',
    possibleCauses: ['See the error of the last job.'],
    recommendedAction:
      'Restore what the last job names and restart it: it completes the way back first. Start a machine by hand only when the other one is known to be off.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
