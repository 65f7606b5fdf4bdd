import type { Catalogue } from '../entry.ts';

/** FB-ORC: the chain of steps itself. */
export const ORCHESTRATION_ERRORS = {
  'FB-ORC-001': {
    severity: 'critical',
    category: 'orchestration',
    message: 'The step {activity} kept failing: {reason}',
    possibleCauses: ['A service it needs was unreachable for longer than all retries.'],
    recommendedAction:
      'Look at the reason, restore the service and start the failback again; it resumes where it can.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-002': {
    severity: 'critical',
    category: 'orchestration',
    message: 'The part {orchestration} broke: {reason}',
    possibleCauses: ['A defect in this software.'],
    recommendedAction: "Report it together with the job's history.",
    isRetryable: false,
    isCustomerResolvable: false,
  },
  'FB-ORC-003': {
    severity: 'critical',
    category: 'orchestration',
    message: 'The agent {agentId} did not answer the command {command} within {minutes} minutes.',
    possibleCauses: ['The agent or its machine is down.', 'Its way to Azure is cut.'],
    recommendedAction: 'Check the agent and start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-004': {
    severity: 'critical',
    category: 'orchestration',
    message: 'The new process server {name} did not register within {minutes} minutes.',
    possibleCauses: [
      'It cannot reach the Function App (firewall, DNS).',
      'Its deployment failed inside the VM.',
    ],
    recommendedAction:
      'Look at the boot diagnostics of the VM and at its way out to the Function App.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-005': {
    severity: 'warning',
    category: 'orchestration',
    message: 'The failback was cancelled.',
    possibleCauses: ['An operator asked for it.'],
    recommendedAction: 'Nothing; start a new failback when wanted.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-006': {
    severity: 'critical',
    category: 'orchestration',
    message:
      '{mismatches} blocks of {vmName} differ from the source after the copy; the VM was not started.',
    possibleCauses: [
      'Somebody wrote to the target disk.',
      'The storage of the site returned wrong data.',
    ],
    recommendedAction: 'Check the storage of the site, then start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-007': {
    severity: 'critical',
    category: 'orchestration',
    message:
      'The mobility agent on {vmName} did not register within {minutes} minutes after the boot.',
    possibleCauses: [
      'The agent service does not run in the guest.',
      'The guest has no network on-premises.',
    ],
    recommendedAction:
      'Start the agent in the guest, then start the failback again: it goes on with the reverse replication. A guest that never gets one can be let go: the machine runs on.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-008': {
    severity: 'critical',
    category: 'orchestration',
    message: 'The Azure VM {vmName} did not reach the state {needed}; it is {actual}.',
    possibleCauses: ['Azure did not finish the operation in time.'],
    recommendedAction: 'Look at the VM in the Azure portal, then start again.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-ORC-009': {
    severity: 'critical',
    category: 'orchestration',
    message: 'The copy of {diskName} that stays in Azure failed: {reason}',
    possibleCauses: [
      'The storage account is full or blocked.',
      'Somebody deleted the snapshots of the last recovery point.',
    ],
    recommendedAction:
      'Look at the replica storage account; the failback can be taken up again. Nothing in Azure is deleted before the copy is complete. Without the snapshots it never will be: let the machine go, which deletes nothing.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-010': {
    severity: 'critical',
    category: 'orchestration',
    message: 'No {kind} named {name} is registered, or it has been silent for too long.',
    possibleCauses: ['The program does not run.', 'It cannot reach the Function App.'],
    recommendedAction: 'Start the agent and wait until it is listed as connected.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-011': {
    severity: 'critical',
    category: 'orchestration',
    message: 'The way back to Azure is not complete for {vmName}: {steps}',
    possibleCauses: ['An agent or Azure was out of reach for longer than all retries.'],
    recommendedAction:
      'Restore what the steps name. Make sure that only one of the two VMs runs, then start the failback again: it completes the way back first. Where the site is gone for good, let the machine go.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-012': {
    severity: 'critical',
    category: 'orchestration',
    message: 'The orchestration of {jobId} was stopped from outside.',
    possibleCauses: ['Somebody terminated or purged it with the durable management API.'],
    recommendedAction: 'Nothing; the failback that was started now takes up what it left behind.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-013': {
    severity: 'critical',
    category: 'orchestration',
    message: 'No master target can take {vmName}: {reasons}.',
    possibleCauses: [
      'All of them are busy, silent or of the other OS family.',
      'None of their hosts reaches the datastores of the machine.',
    ],
    recommendedAction:
      'Do what the reason of the best suited one asks for, or set up another master target; then start again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-ORC-014': {
    severity: 'critical',
    category: 'orchestration',
    message:
      'The Azure VM {vmName} is {actual}, although the machine runs on-premises: nothing is committed.',
    possibleCauses: [
      'Somebody, or a schedule, has started it since the failback shut it down.',
      'It is being started or stopped at this moment.',
    ],
    recommendedAction:
      'Whatever it has written since then is on its disks only, and goes with them: save what is needed. Then switch off what started it, stop the VM and commit again, or cancel to go on in Azure.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
