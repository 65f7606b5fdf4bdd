import type { Catalogue } from '../entry.ts';

/** FB-SITE: configuration server and hypervisors. FB-AGENT: the agents themselves. */
export const SITE_ERRORS = {
  'FB-AGENT-001': {
    severity: 'warning',
    category: 'agent',
    message: 'The mobility agent is not installed or has not registered yet on {vmName}.',
    possibleCauses: [
      'The VM booted a moment ago; registration takes up to 15 minutes.',
      'The agent was not installed as a service in the guest, or cannot reach the configuration server.',
    ],
    recommendedAction:
      'Wait. If it stays so for 15 minutes, check the agent service in the guest and its way to the configuration server.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-AGENT-002': {
    severity: 'critical',
    category: 'agent',
    message: 'The configuration is not valid: {problems}',
    possibleCauses: ['A field is missing, misspelt or out of range.'],
    recommendedAction:
      'Correct the fields named here in the configuration file and start the program again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-003': {
    severity: 'critical',
    category: 'agent',
    message: 'The data folder {folder} is not writable.',
    possibleCauses: ['It belongs to another user.', 'Its volume is mounted read-only or full.'],
    recommendedAction: 'Make the folder writable for the account the program runs under.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-004': {
    severity: 'warning',
    category: 'agent',
    message: 'The control plane answered {status} to {operation}: {detail}',
    possibleCauses: ['The Function App is restarting.', 'The way to Azure is cut.'],
    recommendedAction: 'Nothing; the agent tries again.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-AGENT-005': {
    severity: 'critical',
    category: 'agent',
    message: 'The control plane refused {operation}: {code} {detail}',
    possibleCauses: ['See the message.'],
    recommendedAction: 'Correct what the message names.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-006': {
    severity: 'critical',
    category: 'agent',
    message: 'The certificate request of {agentName} was refused: its proof does not fit.',
    possibleCauses: [
      "The passphrase in the agent's configuration is not that of the configuration server.",
    ],
    recommendedAction:
      'Give the agent the passphrase of the configuration server and start it again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-007': {
    severity: 'critical',
    category: 'agent',
    message: 'The answer to the certificate request was not made with our passphrase.',
    possibleCauses: [
      'The configuration server has another passphrase.',
      'Somebody between agent and configuration server changed it.',
    ],
    recommendedAction: 'Check the passphrase on both sides.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-008': {
    severity: 'critical',
    category: 'agent',
    message: 'This agent does not know the command {command}.',
    possibleCauses: ['The agent is older than the control plane.'],
    recommendedAction: 'Update the agent.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-009': {
    severity: 'critical',
    category: 'agent',
    message:
      'The command {command} came with an input that this agent does not understand: {problems}',
    possibleCauses: ['The agent is of another version than the control plane.'],
    recommendedAction: 'Update the agent.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-010': {
    severity: 'warning',
    category: 'agent',
    message: 'The command {command} came after its deadline.',
    possibleCauses: ['The agent was down for long.'],
    recommendedAction: 'Start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-011': {
    severity: 'critical',
    category: 'agent',
    message: 'The port {port} is in use.',
    possibleCauses: ['Another program, or another instance of this one, listens there.'],
    recommendedAction: 'Stop it, or choose another port in the configuration file.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-012': {
    severity: 'critical',
    category: 'agent',
    message: 'The certificate request of {agentName} was refused: {reason}.',
    possibleCauses: [
      'The name in the configuration of the agent is not the one it registered with.',
      'Somebody between agent and configuration server changed it.',
    ],
    recommendedAction: 'Start the agent again; check its name if it stays so.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-013': {
    severity: 'critical',
    category: 'agent',
    message: 'Nothing was restored: the data folder {folder} holds a configuration server already.',
    possibleCauses: ['The program was started in this folder before the backup was restored.'],
    recommendedAction: 'Stop the program, move the folder away, and restore into an empty one.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AGENT-014': {
    severity: 'critical',
    category: 'agent',
    message: 'The backup {file} cannot be used: {reason}.',
    possibleCauses: [
      'It is another file, or was damaged on the way.',
      'It is a backup of another configuration server.',
    ],
    recommendedAction:
      'Take another backup; the name in the configuration file must be the one of the server that was backed up.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-001': {
    severity: 'critical',
    category: 'site',
    message: 'There is no replication {replicationId} on this configuration server.',
    possibleCauses: [
      'It was cleaned up already.',
      'The configuration server was restored from an old backup.',
    ],
    recommendedAction: 'Start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-002': {
    severity: 'critical',
    category: 'site',
    message: 'The VM {vmName} does not exist on the hypervisor any more.',
    possibleCauses: ['It was deleted during the failback.'],
    recommendedAction: 'Start the failback again; a new VM will be created.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-003': {
    severity: 'critical',
    category: 'site',
    message: 'The VM {vmName} must not start while its disks are attached to the master target.',
    possibleCauses: ['Steps ran in the wrong order.'],
    recommendedAction: "Report it together with the job's history.",
    isRetryable: false,
    isCustomerResolvable: false,
  },
  'FB-SITE-004': {
    severity: 'critical',
    category: 'site',
    message: 'The disks of {vmName} must not go to the master target while the VM runs.',
    possibleCauses: ['Somebody started the VM during the failback.'],
    recommendedAction: 'Stop the VM and start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-005': {
    severity: 'critical',
    category: 'site',
    message:
      '{vmName} showed no sign of life within {seconds} seconds after it was started. Last console output: {console}',
    possibleCauses: [
      'The boot loader or the drivers do not fit the hypervisor.',
      'The boot takes longer than the time allowed.',
      'It booted, but VMware Tools do not run there and no mobility agent registered.',
    ],
    recommendedAction:
      'Look at the console of the VM; raise bootTimeoutSeconds if it only is slow. If it did boot, install VMware Tools or the mobility agent there, and resume.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-006': {
    severity: 'critical',
    category: 'site',
    message: 'The disk {diskId} of {vmName} has {actualBytes} bytes and needs {neededBytes}.',
    possibleCauses: ['The disk on-premises was changed by hand.'],
    recommendedAction: 'Remove the disk from the VM; a new one will be made.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-007': {
    severity: 'warning',
    category: 'site',
    message: 'In the guest of {vmName} one thing was not put right, {fixup}: {detail}',
    possibleCauses: [
      'The account of the guest is wrong, or may not do it.',
      'The guest cannot reach what it installs packages from.',
    ],
    recommendedAction:
      'Do it in the guest by hand, as the message says. The failback goes on without it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-008': {
    severity: 'critical',
    category: 'site',
    message:
      'The VM {vmId} cannot be registered: nobody knows where its files are, or they are gone.',
    possibleCauses: [
      'It was deleted, or its files were moved, after it was taken out of the inventory.',
      'The configuration server was restored from an older backup.',
    ],
    recommendedAction:
      'Register the VM by hand if its files are there. Otherwise start the failback again; a new VM will be created.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-009': {
    severity: 'critical',
    category: 'site',
    message:
      'The VM {vmName} was not registered: {file} is not the VM {vmId} any more, but {actual}.',
    possibleCauses: [
      'Another VM was put in its place.',
      'The VM was copied or moved, and has got a new identity.',
    ],
    recommendedAction:
      'Look at what lies there. Register the VM that is wanted by hand, or take what lies there away: a new VM is then created.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-010': {
    severity: 'critical',
    category: 'site',
    message: 'The VM {vmName} runs, and is not taken out of the inventory.',
    possibleCauses: ['Somebody started it after the failover.'],
    recommendedAction: 'Shut the on-premises VM down and start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-011': {
    severity: 'critical',
    category: 'site',
    message: 'Several VMs of the site are called {vmName}: {places}.',
    possibleCauses: [
      'VMs in different folders, datacenters or hosts may have the same name.',
      'A copy or a restored backup of the VM is in the inventory.',
    ],
    recommendedAction:
      'Put the instance UUID of the right VM into target.vmId of the protected item.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-012': {
    severity: 'critical',
    category: 'site',
    message:
      'The disk {diskId} of {vmName} has {neededBytes} bytes in Azure by now, and cannot be made that large on-premises: {reason}.',
    possibleCauses: [
      'Somebody took a snapshot of the on-premises VM during the failback: a disk below a snapshot keeps its size.',
      'The disk is a raw device mapping, which is as large as its LUN.',
    ],
    recommendedAction:
      'Remove the snapshots of the on-premises VM and make its disk as large as in Azure. Then put the protected item again (PUT) and start a new failback. The machine runs in Azure until then.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SITE-013': {
    severity: 'critical',
    category: 'site',
    message:
      'Disks of {vmName} grew in Azure by {neededBytes} bytes, and {place} has {freeBytes} bytes left for them.',
    possibleCauses: ['The storage of the site was chosen for the disks as they were.'],
    recommendedAction:
      'Free space there, or enlarge it; the failback waits for a week and goes on by itself. The machine runs in Azure until then, unless its failover had begun: a cancel brings it back there.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-SITE-900': {
    severity: 'critical',
    category: 'site',
    message: 'The command {command} failed unexpectedly: {reason}',
    possibleCauses: ['A defect in this software, or a fault of the machine it runs on.'],
    recommendedAction: 'Look at the log of the agent; start the failback again.',
    isRetryable: false,
    isCustomerResolvable: false,
  },
} as const satisfies Catalogue;
