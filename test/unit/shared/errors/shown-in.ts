import { SOURCE_SHOWN_IN } from './source-shown-in.ts';
import type { ErrorCode } from '../../../../shared/errors/catalogue.ts';

/**
 * Failures that need more than memory: real storage, real programs, a virtual clock. The test of that title makes
 * the product itself report the code.
 */
export const SHOWN_IN = {
  'FB-AGENT-001': [
    'contract/agents/site-commands',
    'has a mobility agent only when it registered after the last boot',
  ],
  'FB-AGENT-002': ['unit/agents/process-server/throttle/settings', 'is refused with %s'],
  'FB-AGENT-003': ['unit/agents/config', 'refuses a data folder that cannot be one'],
  'FB-AGENT-005': [
    'contract/agents/lifecycle',
    'ends with one sentence that names the refusal when its token is wrong',
  ],
  'FB-AGENT-006': [
    'unit/agents/certificate-authority',
    'looks at the proof before it reads the request',
  ],
  'FB-AGENT-007': [
    'contract/agents/enrolment',
    'takes no certificate from somebody in between who does not know the passphrase',
  ],
  'FB-AGENT-008': [
    'contract/agents/command-faults',
    'is answered when it is a command that this agent does not know',
  ],
  'FB-AGENT-009': [
    'contract/agents/commands',
    'is answered when its input is not what this agent understands',
  ],
  'FB-AGENT-010': ['contract/agents/commands', 'is refused when it comes after its deadline'],
  'FB-AGENT-011': ['contract/agents/mobility', 'names the port when it is taken'],
  'FB-AGENT-012': [
    'unit/agents/certificate-authority',
    'refuses a request that its own key did not sign',
  ],
  'FB-AGENT-013': ['contract/agents/backups', 'leaves a server alone that is there already'],
  'FB-AGENT-014': [
    'contract/agents/backups',
    'is for its owner only, and shows no key to whoever gets hold of it',
  ],
  'FB-DATA-001': [
    'contract/data-plane/interruptions',
    'waits for a master target that is not there yet',
  ],
  'FB-DATA-002': [
    'contract/data-plane/replication',
    'is refused when the disk in Azure was made larger',
  ],
  'FB-DATA-006': ['contract/data-plane/peers', 'is refused: %s'],
  'FB-DATA-008': [
    'contract/agents/lifecycle',
    'breaks off a command that the control plane gave up',
  ],
  'FB-DATA-009': [
    'contract/data-plane/interruptions',
    'says that it tries again when nobody knows why it broke off',
  ],
  'FB-JRN-001': ['contract/data-plane/sealing', 'is refused for a replication that is not open'],
  'FB-JRN-002': ['contract/data-plane/sealing', 'is refused while nothing was received'],
  'FB-JRN-004': [
    'contract/data-plane/full-volume',
    'holds a seal up, touches no disk meanwhile, and lets it go on by itself',
  ],
  'FB-JRN-005': ['contract/data-plane/peers', 'is refused: %s'],
  'FB-JRN-006': ['contract/data-plane/replication', 'is refused for a point that was not sealed'],
  'FB-JRN-007': [
    'contract/data-plane/reverse',
    'sends everything again that was part of a delta which broke off',
  ],
  'FB-JRN-008': [
    'contract/data-plane/sealing',
    'is found before a delta is built on it, and mended by comparing',
  ],
  'FB-JRN-009': [
    'contract/data-plane/sealing',
    'is refused for a point that is not retained any more',
  ],
  'FB-JRN-012': [
    'contract/data-plane/unmounted-volume',
    'is named by a command whose time runs out',
  ],
  'FB-JRN-014': ['contract/data-plane/no-room', 'holds up the first copy, and is named'],
  'FB-JRN-015': [
    'unit/agents/master-target/failing-storage',
    'for a quarter of an hour ends the command, and the next one brings the disk there',
  ],
  'FB-JRN-016': [
    'unit/agents/master-target/damaged-records',
    'is named when it is %s, and nothing is done',
  ],
  'FB-ORC-001': [
    'orchestrations/azure-failures',
    'for longer than all retries ends in FB-ORC-001 and a rollback',
  ],
  'FB-ORC-002': [
    'orchestrations/rollback',
    'that was ended from outside ends the failback with FB-ORC-002 and goes back',
  ],
  'FB-ORC-003': [
    'orchestrations/commands',
    'is given up after its deadline with FB-ORC-003, and the failback is rolled back',
  ],
  'FB-ORC-004': [
    'orchestrations/azure-failures',
    'that never registers is given up with FB-ORC-004 and removed',
  ],
  'FB-ORC-005': ['orchestrations/rehearsal', 'in %s cleans up and leaves no trace'],
  'FB-ORC-006': [
    'orchestrations/boot-and-proof',
    'are never booted; the failback is rolled back with FB-ORC-006',
  ],
  'FB-ORC-007': [
    'orchestrations/agent-window',
    'ends with FB-ORC-007 and leaves the machine running at home when it never registers',
  ],
  'FB-ORC-008': [
    'orchestrations/azure-failures',
    'that never stops is reported with FB-ORC-008 and the failback is rolled back',
  ],
  'FB-ORC-009': [
    'orchestrations/azure-failures',
    'stays whole when the copy that is to remain in Azure fails',
  ],
  'FB-ORC-011': [
    'orchestrations/rollback',
    'does not start the Azure VM and says so with FB-ORC-011',
  ],
  'FB-REQ-008': ['contract/azure-adapters/records', 'are made once'],
  'FB-JRN-010': ['unit/agents/master-target/windows-disks', 'is refused when it %s'],
  'FB-JRN-011': [
    'unit/agents/master-target/locate-device',
    'is refused when another disk has its id, too',
  ],
  'FB-ORC-013': [
    'orchestrations/choose-master-target',
    'fails with the reason of each when none fits, and is back in Azure at once',
  ],
  'FB-REQ-033': [
    'unit/functions/agent-heartbeat',
    'of an agent that is retired is refused with FB-REQ-033 until it registers again',
  ],
  'FB-HLT-006': [
    'unit/shared/domain/health',
    'names why the last delta towards Azure failed, while the machine is protected',
  ],
  'FB-HLT-007': [
    'unit/functions/reverse-replications',
    'of a protected machine is started where it does not run, and its health says so',
  ],
  'FB-HLT-008': [
    'unit/shared/domain/health',
    'is critical when a way back broke off: both machines may be off',
  ],
  ...SOURCE_SHOWN_IN,
  'FB-ORC-014': [
    'orchestrations/commit',
    'is refused at the gate, says so, and is asked for anew once the VM is off',
  ],
  'FB-SITE-001': ['unit/agents/memory', 'says which replication it does not know'],
  'FB-SITE-002': [
    'contract/agents/interrupted-target',
    'does not stop, start or take the disks of it once its own VM is gone',
  ],
  'FB-SITE-003': [
    'contract/agents/site-commands',
    'does not start while the master target has its disks',
  ],
  'FB-SITE-004': [
    'contract/agents/site-commands',
    'goes off once, and gives its disks to the master target again',
  ],
  'FB-SITE-005': [
    'contract/agents/site-commands',
    'is reported with its console when it does not boot in time',
  ],
  'FB-SITE-006': [
    'contract/hypervisor/local',
    'leaves a disk alone that a VM knows and that is empty',
  ],
  'FB-SITE-007': [
    'orchestrations/boot-and-proof',
    'that fail are warnings in the report, and the machine is home all the same',
  ],
  'FB-SITE-008': ['contract/vsphere/registration', 'is gone when its files are: a new one is made'],
  'FB-SITE-009': [
    'contract/vsphere/registration',
    'is not registered when another VM lies in its place, which stays outside too',
  ],
  'FB-SITE-010': [
    'contract/agents/interrupted-target',
    'is refused while the original runs, and nothing is made or written down',
  ],
  'FB-SITE-011': ['contract/vsphere/which-vm', 'is refused by its name, with the places of all'],
  'FB-SITE-012': ['contract/agents/grown-disks', 'stay as they are while the VM has snapshots'],
  'FB-SITE-013': [
    'orchestrations/grown-disks',
    'is given up after a week, with the machine in Azure',
  ],
  'FB-SITE-900': [
    'contract/agents/command-faults',
    'ends the command when it is a result that the control plane refuses',
  ],
  'FB-VSPHERE-001': [
    'unit/agents/configuration-server/vim/session',
    'with another %s thumbprint is refused before anything is sent, and both are named',
  ],
  'FB-VSPHERE-002': [
    'unit/agents/configuration-server/vim/session',
    'that nobody vouches for is refused without a thumbprint',
  ],
  'FB-VSPHERE-003': [
    'unit/agents/configuration-server/vim/session',
    'reads again when the connection breaks, but repeats no change of which it does not know the end',
  ],
  'FB-VSPHERE-004': [
    'unit/agents/configuration-server/vim/session',
    'says that name or password are wrong, tries again with the next call, and shows no password',
  ],
  'FB-VSPHERE-005': [
    'unit/agents/configuration-server/vim/session',
    'says who lacks which privilege on which object, by its name',
  ],
  'FB-VSPHERE-006': ['unit/agents/configuration-server/vim/session', 'explains the fault %s'],
  'FB-VSPHERE-007': ['unit/agents/configuration-server/vim/session', 'explains the fault %s'],
  'FB-VSPHERE-008': ['unit/agents/configuration-server/vim/session', 'explains the fault %s'],
  'FB-VSPHERE-009': ['unit/agents/configuration-server/vim/session', 'explains the fault %s'],
  'FB-VSPHERE-010': ['unit/agents/configuration-server/vim/session', 'explains the fault %s'],
  'FB-VSPHERE-011': [
    'unit/agents/configuration-server/vim/tasks',
    'whose end the server does not know any more is said to be unknown',
  ],
  'FB-VSPHERE-012': [
    'unit/agents/configuration-server/vim/session',
    'says what it did not understand',
  ],
  'FB-VSPHERE-013': ['contract/vsphere/driver', 'says which network is not there, and which are'],
  'FB-VSPHERE-014': [
    'contract/vsphere/driver',
    'says that the VM of the master target is not there',
  ],
  'FB-VSPHERE-015': [
    'contract/vsphere/driver',
    'does not give the master target what it cannot use',
  ],
  'FB-VSPHERE-016': ['contract/vsphere/driver', 'says that it is of another kind than configured'],
  'FB-VSPHERE-017': [
    'contract/vsphere/driver',
    'says that a VM has no place for more disks than its controllers hold',
  ],
  'FB-VSPHERE-019': [
    'contract/vsphere/which-vm',
    'is not stopped when data disks of one size cannot be told apart',
  ],
  'FB-VSPHERE-020': [
    'contract/vsphere/which-vm',
    'is not stopped when a disk that was named is not there',
  ],
  'FB-VSPHERE-021': [
    'contract/vsphere/which-vm',
    'is not taken to be off when the server does not say',
  ],
  'FB-VSPHERE-023': [
    'contract/vsphere/driver',
    'does not take a disk of the master target for one of the VM that has its UUID',
  ],
  'FB-VSPHERE-024': [
    'unit/agents/configuration-server/vim/questions',
    'is shown to people when it is another one',
  ],
  'FB-VSPHERE-018': ['contract/vsphere/placement', 'makes no VM on a datastore when %s'],
  'FB-VSPHERE-022': [
    'contract/vsphere/coming-home',
    'gets no disk that was detached or added in Azure, and keeps those that it has',
  ],
  'FB-RCV-001': [
    'unit/functions/intents',
    'is refused at the gate for %s while there is no recovery point at all, by the name of the machine',
  ],
  'FB-RCV-002': ['unit/functions/intents', 'to %s with at most %d minutes lost answers %d'],
  'FB-RCV-003': [
    'unit/functions/recovery-plans',
    'is refused for machines that are not there, all of them named',
  ],
  'FB-RCV-004': ['unit/functions/recovery-plans', 'is refused while another run has the plan'],
  'FB-RCV-005': ['unit/functions/recovery-plans', 'takes no %s at the commit'],
  'FB-RCV-006': [
    'orchestrations/recovery-plans',
    'does not stop the others where the plan says continue',
  ],
  'FB-RCV-007': [
    'orchestrations/recovery-plans',
    'that is cancelled starts no further machine and lets those end that run',
  ],
  'FB-RCV-008': [
    'orchestrations/recovery-plan-actions',
    'takes everything back where the plan says so, and the run says why',
  ],
  'FB-RCV-009': [
    'unit/functions/recovery-plans',
    'is refused for a webhook secret that nobody has set',
  ],
  'FB-RCV-010': ['contract/agents/run-script', 'is refused when it is one %s'],
  'FB-RCV-011': [
    'contract/agents/run-script',
    'that fails is reported with its exit code and the end of its output, without secrets',
  ],
  'FB-RCV-012': [
    'orchestrations/recovery-plan-points',
    'hold the run with FB-RCV-012 while a replication group has no common point',
  ],
  'FB-RCV-013': [
    'orchestrations/recovery-plan-actions',
    'that a person could not do fails the action',
  ],
  'FB-RCV-014': [
    'contract/agents/run-script',
    'is never run twice for one command: who comes back after a stop is told so',
  ],
  'FB-RCV-015': ['unit/functions/plan-gates', 'takes no resume, and names the gate that is open'],
  'FB-RCV-016': ['orchestrations/recovery-plan-interruptions', 'makes the run fail, and is named'],
  'FB-RCV-017': ['unit/functions/plan-definitions', 'is refused before anything is run'],
  'FB-RCV-018': [
    'unit/functions/plan-definitions',
    'is refused where the mark of a secret stands under %s',
  ],
  'FB-RCV-019': [
    'orchestrations/held-back',
    'is put back: nothing is shut down, the job waits at its gate and says why',
  ],
} as const satisfies Partial<Record<ErrorCode, readonly [file: string, title: string]>>;
