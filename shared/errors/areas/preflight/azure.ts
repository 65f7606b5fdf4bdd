import type { Catalogue } from '../../entry.ts';

/** FB-PRE: the VM and its disks in Azure. */
export const AZURE_PREFLIGHT_ERRORS = {
  'FB-PRE-010': {
    severity: 'critical',
    category: 'preflight',
    message: 'The Azure VM does not exist any more.',
    possibleCauses: ['It was deleted or moved to another resource group.'],
    recommendedAction: 'Correct the resource group and name of the protected item.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-011': {
    severity: 'critical',
    category: 'preflight',
    message: 'The Azure VM is a confidential VM; its disks cannot be read elsewhere.',
    possibleCauses: ['Confidential OS disk encryption is bound to the vTPM.'],
    recommendedAction: 'Move the workload to a VM that is not confidential first.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-012': {
    severity: 'critical',
    category: 'preflight',
    message: 'Locks stand in the way: {locks}.',
    possibleCauses: [
      'A ReadOnly lock blocks power-off and export, CanNotDelete blocks the clean-up.',
    ],
    recommendedAction: 'Remove the locks for the time of the failback.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-013': {
    severity: 'critical',
    category: 'preflight',
    message: 'The Azure VM was moved to the resource group {resourceGroup}.',
    possibleCauses: ['Somebody moved it after it came under our care.'],
    recommendedAction: 'Move it back, or take it under care again from {resourceGroup}.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-014': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The Azure VM is not the one that came under our care: its id is {actual}, not {needed}.',
    possibleCauses: [
      'It was deleted and made anew under the same name, for example from a backup.',
    ],
    recommendedAction:
      'Take the present VM under care as a new protected item. What was replicated before does not belong to it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-015': {
    severity: 'critical',
    category: 'preflight',
    message: 'The migration to Azure was completed; the machine is to stay there.',
    possibleCauses: ['Complete migration was chosen for it.'],
    recommendedAction:
      'There is no way back from a completed migration. Take the VM under care as a new protected item to bring it to the site.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-016': {
    severity: 'critical',
    category: 'preflight',
    message: 'The VM has {actual} disks; at most {needed} can be failed back.',
    possibleCauses: ['A master target takes 60 disks, and all disks of a VM go to one.'],
    recommendedAction:
      'Detach data disks that need not come home, or put several together into one.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-020': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The disk {diskName} is encrypted with Azure Disk Encryption; its bytes are ciphertext.',
    possibleCauses: ['ADE is switched on in the guest.'],
    recommendedAction: 'Decrypt the disk in the guest, then start again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-021': {
    severity: 'critical',
    category: 'preflight',
    message: 'The disk {diskName} is shared between VMs.',
    possibleCauses: ['maxShares is above 1.'],
    recommendedAction: 'Detach the other VMs and set maxShares to 1.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-022': {
    severity: 'critical',
    category: 'preflight',
    message: 'The disk {diskName} is ephemeral and cannot be exported.',
    possibleCauses: ['The VM was created with an ephemeral OS disk.'],
    recommendedAction: 'Redeploy the VM on a managed OS disk.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-023': {
    severity: 'critical',
    category: 'preflight',
    message: 'The network policy of the disk {diskName} forbids export.',
    possibleCauses: ['networkAccessPolicy is DenyAll.'],
    recommendedAction:
      'Set it to AllowAll, or AllowPrivate with a disk access the process server reaches.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-024': {
    severity: 'critical',
    category: 'preflight',
    message: 'The disk {diskName} has {actual} bytes; at most {needed} are possible.',
    possibleCauses: ['The replica for the way back is a page blob, and page blobs end at 8 TiB.'],
    recommendedAction: 'Move the data to several smaller disks before the failback.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-025': {
    severity: 'critical',
    category: 'preflight',
    message: 'The disk {diskName} has logical sectors of {actual} bytes; {needed} are needed.',
    possibleCauses: [
      'Premium SSD v2 and Ultra disks are made with 4096-byte sectors unless asked otherwise.',
    ],
    recommendedAction: 'Copy the data to a disk with 512-byte sectors and attach that one instead.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-026': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The disk {diskName} may be read over a private endpoint only, and the process server reaches none.',
    possibleCauses: [
      'The disk has no disk access.',
      'The disk access has no private endpoint in the network of the process server.',
    ],
    recommendedAction:
      'Give the disk a disk access with a private endpoint in the network of the process server, or set networkAccessPolicy to AllowAll for the time of the failback.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-027': {
    severity: 'critical',
    category: 'preflight',
    message: 'The disk {diskName} {difference}: the Azure VM has not the disks that are carried.',
    possibleCauses: [
      'A disk was attached, detached, replaced or resized after the protected item was recorded.',
    ],
    recommendedAction:
      'Read the protected item in again (PUT) while the machine runs in Azure, then start the failback anew; or detach the disk. While the machine replicates, a disk that grew is followed by itself at the next cycle.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
