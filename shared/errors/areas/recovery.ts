import type { Catalogue } from '../entry.ts';

/** FB-RCV: recovery points and recovery plans. */
export const RECOVERY_ERRORS = {
  'FB-RCV-001': {
    severity: 'critical',
    category: 'recovery',
    message: 'No recovery point on-premises that could be failed over to: {machines}.',
    possibleCauses: [
      'The first copy of the disks is not complete.',
      'The recovery points were given up when an earlier failback was undone.',
    ],
    recommendedAction:
      'Wait until the machines named here are ready to fail back, or choose another recovery point.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-002': {
    severity: 'warning',
    category: 'recovery',
    message:
      'A failover of {itemName} to {recoveryPoint} would lose {lossMinutes} minutes; at most {maxMinutes} are accepted.',
    possibleCauses: [
      'The chosen point is older than thought.',
      'Replication is behind: the last cycle ended long ago.',
    ],
    recommendedAction:
      'Choose a newer recovery point (latest loses nothing while the Azure VM can be read), or accept more.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-003': {
    severity: 'warning',
    category: 'recovery',
    message: 'The recovery plan is not valid: {problems}',
    possibleCauses: ['A machine, a group or an action is named twice, or does not exist.'],
    recommendedAction: 'Correct what is named here and send the plan again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-004': {
    severity: 'warning',
    category: 'recovery',
    message: 'The recovery plan {planName} is being run by {runId}.',
    possibleCauses: ['An earlier run of the plan has not ended yet.'],
    recommendedAction: 'Wait for the run to end, or cancel it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-005': {
    severity: 'warning',
    category: 'recovery',
    message: 'The run {runId} takes no {action} now: {reason}.',
    possibleCauses: ['The request came early or late.', 'The run waits for something else.'],
    recommendedAction: 'Look at the run: allowedActions and waitingFor say what it takes now.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-006': {
    severity: 'critical',
    category: 'recovery',
    message: '{count} machines of the plan did not get there: {machines}',
    possibleCauses: ['The failback of each named machine says why.'],
    recommendedAction:
      "Look at the machines' own jobs, remove what stopped them, and run the plan again for them.",
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-007': {
    severity: 'warning',
    category: 'recovery',
    message: 'The run of the recovery plan was cancelled.',
    possibleCauses: ['Somebody asked for it.'],
    recommendedAction: 'Nothing; run the plan again when wanted.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-008': {
    severity: 'critical',
    category: 'recovery',
    message: 'The webhook of the action {actionId} failed after {attempts} attempts: {reason}',
    possibleCauses: [
      'The receiver is down or refuses the request.',
      'Its certificate is not trusted, or it answers with a redirect.',
    ],
    recommendedAction: 'Mend the receiver, then resume the run: the action is called again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-009': {
    severity: 'critical',
    category: 'recovery',
    message: 'There is no webhook secret named {secretName}.',
    possibleCauses: ['FAILBACK_WEBHOOK_SECRETS of the Function App does not hold it.'],
    recommendedAction: 'Add the secret to the application setting, then run the plan again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-010': {
    severity: 'critical',
    category: 'recovery',
    message: 'The configuration server has no script {script} that it may run: {reason}',
    possibleCauses: [
      'The file is not in the folder of allowed scripts.',
      'No such folder is configured, the file is a link, or others may write to it.',
    ],
    recommendedAction:
      'Put the script into the folder `scripts.folder` of the configuration server, owned and writable by its administrator only.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-011': {
    severity: 'critical',
    category: 'recovery',
    message: 'The script {script} failed ({reason}). The end of its output: {output}',
    possibleCauses: ['The script itself reported an error, or took too long.'],
    recommendedAction: 'Mend the script or its surroundings, then resume the run.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-012': {
    severity: 'critical',
    category: 'recovery',
    message:
      'The replication group {groupId} has no application-consistent point that all its machines have; without it: {machines}.',
    possibleCauses: [
      'The machines have not yet taken one together.',
      'One of them got a crash-consistent point only, or does not retain the common one any more.',
    ],
    recommendedAction:
      'Wait for the next common point, or run the plan with `latest`, which takes each machine to its own newest point.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-013': {
    severity: 'critical',
    category: 'recovery',
    message: 'The action {actionId} was reported as failed by a person: {note}',
    possibleCauses: ['The manual step could not be done.'],
    recommendedAction: 'Do the step, then resume the run; or cancel it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-014': {
    severity: 'critical',
    category: 'recovery',
    message: 'The script {script} was under way when the configuration server stopped.',
    possibleCauses: ['The configuration server was stopped or its machine restarted.'],
    recommendedAction:
      'Find out how far the script got: it is never run twice by itself. Then resume the run, which starts it anew.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-015': {
    severity: 'warning',
    category: 'recovery',
    message: 'The run {runId} does not wait at the gate {gate}: {waiting}.',
    possibleCauses: ['Somebody else was faster, and the run has gone on.'],
    recommendedAction: 'Look at the run again: waitingFor names the gate that is open now.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-016': {
    severity: 'critical',
    category: 'recovery',
    message:
      'The run of the recovery plan was cancelled, but {count} of its machines did not get back to Azure: {machines}',
    possibleCauses: ['An agent or Azure was out of reach while a machine was taken back.'],
    recommendedAction:
      "Look at the machines' own jobs: what each could not undo is in its error. Resume or restart them; until then they may run nowhere.",
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-017': {
    severity: 'warning',
    category: 'recovery',
    message:
      'The recovery plan is too large: the record of its run could grow to {actual} characters, and holds {limit}.',
    possibleCauses: [
      'It has very many actions, or long instructions and arguments, beside many machines.',
    ],
    recommendedAction: 'Shorten instructions and arguments, or make two plans of it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-018': {
    severity: 'warning',
    category: 'recovery',
    message:
      'The URL of the action {actionId} has a mark in place of its secret, and none is stored for it.',
    possibleCauses: [
      'The plan was read, in which secrets are not shown, and sent back under another id of the action or with another URL.',
    ],
    recommendedAction:
      'Give the whole URL, or leave it as it was shown together with the id of its action.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-RCV-019': {
    severity: 'warning',
    category: 'recovery',
    message:
      'The failover of {itemName} was put back right before the Azure VM was shut down, because it would be refused now: {reason}',
    possibleCauses: [
      'Since the request a cycle went on for long, so that more would be lost than was agreed.',
      'The chosen recovery point is not retained any more.',
      'An agent that the failover needs has fallen silent: the machine would have been down until it came back.',
      'The Azure VM is gone, or Azure does not say whether it runs.',
    ],
    recommendedAction:
      'Nothing was shut down and the job waits at its gate again. Put right what the reason names (start the agent), or look at the preview and choose another point or a larger maxDataLossMinutes; then ask for the failover anew.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
