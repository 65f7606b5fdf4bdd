import type { Catalogue } from '../../entry.ts';

/** FB-PRE: where the machine will live: its own VM, or a new one. */
export const LOCATION_PREFLIGHT_ERRORS = {
  'FB-PRE-032': {
    severity: 'critical',
    category: 'preflight',
    message: 'The on-premises VM has {actual} snapshots.',
    possibleCauses: ['Backup software left a snapshot behind.'],
    recommendedAction:
      'Delete the snapshots of the on-premises VM. Or start the failback with originalVm "unregister", or delete the on-premises VM: a new one is then created (ALR), with a full download.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-033': {
    severity: 'critical',
    category: 'preflight',
    message: 'The site needs {neededBytes} bytes free, {actualBytes} are.',
    possibleCauses: ['The datastore is too small or too full.'],
    recommendedAction: 'Free space or choose another datastore.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-054': {
    severity: 'critical',
    category: 'preflight',
    message: 'The on-premises VM is {actual}, and the Azure VM is off.',
    possibleCauses: [
      'The machine lives on-premises: a failback was committed in part, or somebody has moved it back.',
      'The site started the VM by itself when it came back.',
    ],
    recommendedAction:
      'Find out which of the two is the truth. If it is the on-premises VM, there is nothing to fail back: let the machine go. If it is the Azure VM, switch the on-premises VM off, then start the Azure VM.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-060': {
    severity: 'critical',
    category: 'preflight',
    message: 'The host of the master target does not see the datastore {datastore} of the VM.',
    possibleCauses: [
      'The datastore is not mounted on that host.',
      'It is mounted for reading only.',
    ],
    recommendedAction:
      'Mount the datastore {datastore} on the host of the master target, or choose a master target on a host that sees it. Or start the failback with originalVm "unregister", or delete the on-premises VM: a new one is then created (ALR), with a full download.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-061': {
    severity: 'critical',
    category: 'preflight',
    message: 'The host does not reach the datastore {datastore} of the VM.',
    possibleCauses: ['The datastore belongs to another host.', 'The storage is not connected.'],
    recommendedAction:
      'Connect the datastore {datastore} to the host of the master target. Or start the failback with originalVm "unregister", or delete the on-premises VM: a new one is then created (ALR), with a full download.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-062': {
    severity: 'critical',
    category: 'preflight',
    message: 'The discovery of the host has not finished.',
    possibleCauses: ['The host was added a short time ago; discovery takes up to 30 minutes.'],
    recommendedAction:
      'Wait until the discovery has finished, or refresh the configuration server. Or start the failback with originalVm "unregister", or delete the on-premises VM: a new one is then created (ALR), with a full download.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-063': {
    severity: 'critical',
    category: 'preflight',
    message: 'The disk {diskName} of the on-premises VM is {actual}.',
    possibleCauses: [
      'It was detached or deleted after the failover, or its storage is away.',
      'It was added to the machine in Azure.',
    ],
    recommendedAction:
      'Attach {diskName} to the VM again, and connect its storage: vSAN and RDM disks are written only where they already exist. A disk that the machine did not have on-premises: name it in failover.disksAddedInAzure of the protected item (PUT); it is then made, but not on vSAN outside of Azure VMware Solution. Or start the failback with originalVm "unregister", or delete the on-premises VM: a new one is then created (ALR), with a full download.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-064': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The on-premises VM boots with {actual}; the Azure VM is of {generation} and needs {needed}.',
    possibleCauses: ['The firmware was changed on one side after the failover.'],
    recommendedAction:
      'Set the firmware of the on-premises VM to {needed}. Or start the failback with originalVm "unregister", or delete the on-premises VM: a new one is then created (ALR), with a full download.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-065': {
    severity: 'critical',
    category: 'preflight',
    message: 'A new VM is to be created, but the original one still exists.',
    possibleCauses: [
      'The VM was registered again.',
      'The failback was asked for at another place on purpose.',
    ],
    recommendedAction:
      'Start the failback with originalVm "unregister", which takes the on-premises VM out of the inventory and keeps its files, or delete that VM, to force a failback to a new one (ALR). Or choose the original location (OLR).',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-066': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The host {host} of the master target, on which the new VM is created, does not reach the datastore {datastore}.',
    possibleCauses: [
      'The datastore was chosen for another master target.',
      'The master target was moved to another host.',
      'The datastore is not mounted there, or for reading only.',
    ],
    recommendedAction:
      'Choose a datastore that the host of the master target reaches, or a master target on a host that reaches the datastore.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-067': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The new VM would be created on the datastore {actual}; at the reprotect {needed} was chosen.',
    possibleCauses: ['No datastore was chosen at the reprotect.', 'Another one was chosen since.'],
    recommendedAction:
      'Choose the datastore at the reprotect and leave it as it is until the failback is done.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-068': {
    severity: 'critical',
    category: 'preflight',
    message: 'The new VM would lie on {actual}; new VMs are created on {needed} only.',
    possibleCauses: ['A vSAN or NFS datastore was chosen.'],
    recommendedAction:
      'Choose a VMFS datastore; in Azure VMware Solution the vSAN datastore or an NFS one. Move the VM afterwards if it is to lie elsewhere.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-069': {
    severity: 'critical',
    category: 'preflight',
    message: 'A VM of the same name is already on the host that is to get the new one.',
    possibleCauses: [
      'The original VM was registered there again.',
      'Another machine has its name.',
    ],
    recommendedAction: 'Rename or move that VM, or choose a master target on another host.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-070': {
    severity: 'critical',
    category: 'preflight',
    message: 'A physical server cannot come home to an existing VM.',
    possibleCauses: ['The name of an existing VM was given.'],
    recommendedAction: 'Give a VM name that is not in use; a new VM is created.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-071': {
    severity: 'critical',
    category: 'preflight',
    message: 'The physical server ran {actual}, which cannot be failed back.',
    possibleCauses: ['Physical servers with Windows Server 2008 R2 SP1 have no way back.'],
    recommendedAction:
      'Keep the machine in Azure, or bring its operating system up to a newer one there first.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-072': {
    severity: 'critical',
    category: 'preflight',
    message: 'The target is a physical machine.',
    possibleCauses: ['Machines come home as VMs only.'],
    recommendedAction: 'Choose a VMware site; a physical server becomes a VM there.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-075': {
    severity: 'warning',
    category: 'preflight',
    message: 'The on-premises VM is not in the inventory; it will be registered again.',
    possibleCauses: ['Somebody took it out of the inventory, and its files were kept.'],
    recommendedAction:
      'Nothing need be done. To have a new VM instead (ALR), start the failback with originalVm "unregister", or delete the files of the VM.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-076': {
    severity: 'critical',
    category: 'preflight',
    message: 'The on-premises VM is to be taken out of the inventory, but it is {actual}.',
    possibleCauses: ['Somebody started it after the failover.'],
    recommendedAction: 'Shut the on-premises VM down, and see that nobody works with it any more.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-077': {
    severity: 'warning',
    category: 'preflight',
    message:
      'A VM is created on the host {host}, which is that of the master target, and on the datastore {datastore}.',
    possibleCauses: ['The machine goes to a new VM, or a rehearsal makes one of its own.'],
    recommendedAction:
      'Nothing need be done. Another master target or datastore can be chosen with the placement.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-078': {
    severity: 'critical',
    category: 'preflight',
    message:
      'It cannot be told which disk of the on-premises VM is {diskId}: {actual}. There are: {there}.',
    possibleCauses: [
      'The machine has data disks of one size, or one of them was left out.',
      'A disk was resized, moved to another place or removed.',
    ],
    recommendedAction:
      'Say in target.disks of the protected item (PUT) which disk each one is, by its place, as scsi0:2, or by its UUID. A disk that has another size than in Azure: resize it, or attach the one that was detached.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-079': {
    severity: 'warning',
    category: 'preflight',
    message: 'All disks are downloaded in full: {size}, which takes {duration}.',
    possibleCauses: [
      'The machine goes to a new VM.',
      'The original disks hold no state to start from.',
    ],
    recommendedAction:
      'Nothing need be done. Plan for the time and the traffic; the Azure VM goes on running meanwhile.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
