import type { Catalogue } from '../entry.ts';

/** FB-VSPHERE: what vCenter and ESXi answer, and what the configuration of the site lacks for them. */
export const VSPHERE_ERRORS = {
  'FB-VSPHERE-001': {
    severity: 'critical',
    category: 'site',
    message:
      'The server {address} shows a certificate with the thumbprint {actual}; the configuration says {expected}.',
    possibleCauses: [
      'The certificate of the server was renewed.',
      'The address leads to another machine, or somebody is in between.',
    ],
    recommendedAction:
      'Look at the certificate on the server itself. Only if it is the one shown here, put its thumbprint into the configuration of the configuration server and start it again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-002': {
    severity: 'critical',
    category: 'site',
    message: 'The certificate of {address} is not trusted: {reason}.',
    possibleCauses: [
      'It is signed by an authority that this machine does not know, as every ESXi is after its installation.',
      'It expired, or is for another name.',
    ],
    recommendedAction:
      'Put the thumbprint of the certificate, as the server itself shows it, into the configuration of the configuration server, or install the authority on this machine.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-003': {
    severity: 'warning',
    category: 'site',
    message: 'The vSphere server {address} cannot be reached: {reason}.',
    possibleCauses: [
      'It is restarting or down.',
      'The network between the configuration server and it is cut.',
    ],
    recommendedAction:
      'Nothing if it is being restarted; what was asked for is tried again. Else check the server and the way to it.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-004': {
    severity: 'critical',
    category: 'site',
    message: 'The vSphere server {address} refused the name or the password of {account}.',
    possibleCauses: [
      'The password was changed or expired.',
      'The account is locked after too many attempts.',
    ],
    recommendedAction:
      'Write the right password into the password file of the configuration server, and unlock the account.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-005': {
    severity: 'critical',
    category: 'site',
    message:
      'The account {account} lacks the privilege {privilege} on {object}; {method} was refused.',
    possibleCauses: [
      'The role of the account does not have the privilege.',
      'The role is given on another object, or not passed on to what is below.',
    ],
    recommendedAction:
      'Give the account a role with {privilege} on {object}, or above it with passing on.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-006': {
    severity: 'critical',
    category: 'site',
    message:
      'The licence of {address} does not allow changes through its API; {method} was refused.',
    possibleCauses: ['The host has the free edition of ESXi, whose API only reads.'],
    recommendedAction:
      'Assign a paid or an evaluation licence to the host, or choose another host.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-007': {
    severity: 'critical',
    category: 'site',
    message: 'There is not enough space on the datastore {datastore}; {method} failed.',
    possibleCauses: [
      'The datastore is full, or has less free space than the disks of the VM need.',
    ],
    recommendedAction: 'Free space on {datastore}, or choose another datastore.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-008': {
    severity: 'warning',
    category: 'site',
    message: '{method} failed because {object} is busy or locked: {reason}',
    possibleCauses: [
      'Another task, as a backup or a migration, works on the same VM.',
      'Another VM or another host has the file open.',
    ],
    recommendedAction:
      'Nothing if a task runs that ends by itself; what was asked for is tried again. Else end what holds it.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-009': {
    severity: 'critical',
    category: 'site',
    message: 'The vSphere server {address} refused {method}: {fault} {reason}',
    possibleCauses: ['See the message.'],
    recommendedAction:
      'Correct what the message names; the events of the object in the vSphere Client say more.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-010': {
    severity: 'warning',
    category: 'site',
    message: 'The host of {object} does not answer its vCenter; {method} failed: {reason}',
    possibleCauses: ['The host is down, in maintenance, or cut off from the vCenter.'],
    recommendedAction: 'Bring the host back, or move the VM to another one.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-011': {
    severity: 'warning',
    category: 'site',
    message:
      'It is unknown how {method} on {address} ended: the server does not know the task any more.',
    possibleCauses: ['The vCenter was restarted while it worked.'],
    recommendedAction: 'Nothing; what was done is looked up and the rest is done.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-012': {
    severity: 'critical',
    category: 'site',
    message:
      'The vSphere server {address} answered {method} in a form that this version does not understand: {problems}',
    possibleCauses: ['The server is of a version that is not supported.'],
    recommendedAction: 'Report it together with the version of the server.',
    isRetryable: false,
    isCustomerResolvable: false,
  },
  'FB-VSPHERE-013': {
    severity: 'critical',
    category: 'site',
    message: 'There is no {kind} {name} on {address}, or several of them. There are: {known}.',
    possibleCauses: [
      'The name in the configuration of the configuration server is misspelt, or was changed on the server.',
      'A network of the protected item has no entry in the table of networks.',
      'The account may not see it.',
    ],
    recommendedAction:
      'Name one of those that are there in the configuration of the configuration server, and start it again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-014': {
    severity: 'critical',
    category: 'site',
    message: 'The VM {masterTarget} of the master target is not there.',
    possibleCauses: ['It was renamed or removed.', 'The account may not see it.'],
    recommendedAction:
      'Give the VM of the master target the name in the configuration of the configuration server, or change the configuration.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-015': {
    severity: 'critical',
    category: 'site',
    message: 'The disk {diskId} of {vmName} cannot be given to the master target: {reason}.',
    possibleCauses: [
      'The disk is of a kind that only its own VM can use.',
      'The VM has a snapshot.',
      'The master target runs on a host that does not reach the datastore.',
    ],
    recommendedAction:
      'Remove snapshots of the VM; move the VM of the master target to a host that reaches the datastore; exclude disks of other kinds.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-016': {
    severity: 'critical',
    category: 'site',
    message: 'The server {address} is {actual}; the configuration says {expected}.',
    possibleCauses: [
      'The address is that of another server.',
      'The host was added to a vCenter; calls have to go through that one.',
    ],
    recommendedAction: 'Correct url and siteKind in the configuration of the configuration server.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-017': {
    severity: 'critical',
    category: 'site',
    message: 'The VM {vmName} has no place for {needed} more disks.',
    possibleCauses: ['Its four SCSI controllers hold 15 disks each.'],
    recommendedAction:
      'Wait until other failbacks through the same master target are done, or use another master target.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-018': {
    severity: 'critical',
    category: 'site',
    message:
      'The VM {vmName} cannot be created where its master target {masterTarget} runs: {reason}.',
    possibleCauses: [
      'The datastore was chosen before the master target, or for another one.',
      'The master target was moved to another host.',
    ],
    recommendedAction:
      'Choose a datastore that the host of the master target reaches, or a master target on a host that reaches the datastore.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-019': {
    severity: 'critical',
    category: 'site',
    message:
      'It cannot be told which disks of {vmName} are {diskIds}: several have the same size. There are: {there}.',
    possibleCauses: ['The machine has data disks of one size, or one of them was left out.'],
    recommendedAction:
      'Say in target.disks of the protected item which disk each one is, by its place, as scsi0:2, or by its UUID.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-020': {
    severity: 'critical',
    category: 'site',
    message: 'The disk {diskId} is said to be {wanted} of {vmName}, which is not there: {there}.',
    possibleCauses: ['It was moved to another place or removed.', 'It is misspelt.'],
    recommendedAction: 'Correct target.disks of the protected item.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-021': {
    severity: 'critical',
    category: 'site',
    message: 'It is unknown whether the VM {vmName} runs: the server does not say.',
    possibleCauses: ['The account may not read it.', 'The VM is inaccessible or orphaned.'],
    recommendedAction:
      'Look at the VM in the vSphere Client, and give the account the role on it or above it with passing on.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-022': {
    severity: 'critical',
    category: 'site',
    message:
      'The VM {vmName} lies on vSAN and lacks the disks {diskIds}; outside of Azure VMware Solution none are made there.',
    possibleCauses: [
      'Disks were detached from the VM on-premises after the failover.',
      'Disks were added to the VM in Azure after the failover.',
    ],
    recommendedAction:
      'Attach the disks to the on-premises VM again, or make empty ones of the same size there by hand. Or start the failback with originalVm "unregister" and choose a VMFS datastore: a new VM is then created (ALR).',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-023': {
    severity: 'critical',
    category: 'site',
    message:
      'The VM {masterTarget} of the master target has {heldFile}, with the UUID of the disk {diskId} of {vmName}, whose file is {file}.',
    possibleCauses: [
      'The VM of the master target was moved to another datastore together with disks that it only held.',
      'Both VMs come from one template, or one disk is a copy of the other.',
    ],
    recommendedAction:
      'Detach the disk from the VM of the master target, and keep its file; see that the VM has the file that is right. Two disks with one UUID: give one of them another.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-VSPHERE-024': {
    severity: 'critical',
    category: 'site',
    message: 'The VM {vmName} waits with its start for an answer: {question}',
    possibleCauses: ['A person has to decide before this VM starts; see the message.'],
    recommendedAction:
      'Answer the question at the VM in the vSphere Client, then start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
