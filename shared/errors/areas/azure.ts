import type { Catalogue } from '../entry.ts';

/** FB-AZ: Azure Resource Manager and Storage. */
export const AZURE_ERRORS = {
  'FB-AZ-001': {
    severity: 'critical',
    category: 'azure',
    message: 'Azure refused {operation}: {code} {detail}',
    possibleCauses: ['See the message of Azure.'],
    recommendedAction: 'Correct what Azure names and start again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AZ-002': {
    severity: 'warning',
    category: 'azure',
    message: 'Azure was too busy for {operation}: {code} {detail}',
    possibleCauses: ['Throttling or a passing fault.'],
    recommendedAction: 'Nothing; the step is tried again.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-AZ-003': {
    severity: 'critical',
    category: 'azure',
    message: 'The disk {diskName} of {vmName} does not exist or changed its size.',
    possibleCauses: ['The disk was replaced or resized after the protected item was recorded.'],
    recommendedAction: 'Read the protected item in again, then start a new failback.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AZ-004': {
    severity: 'warning',
    category: 'azure',
    message: 'The snapshot {snapshotName} is gone.',
    possibleCauses: ['It was deleted by somebody else.'],
    recommendedAction:
      'Nothing; the next cycle takes a new one and compares or copies everything, also in the downtime. A first copy has to be started again. Keep whoever deletes snapshots from those that have the tag failback-item.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AZ-005': {
    severity: 'critical',
    category: 'azure',
    message: 'The Azure VM {vmName} may not be deleted: {reason}',
    possibleCauses: ['The proof that the on-premises disks hold the same bytes is missing.'],
    recommendedAction: "Report it together with the job's history.",
    isRetryable: false,
    isCustomerResolvable: false,
  },
  'FB-AZ-006': {
    severity: 'warning',
    category: 'azure',
    message:
      'The snapshot {snapshotName} cannot be opened: five snapshots of its disk are open already.',
    possibleCauses: [
      'Another program (a backup, a copy tool, a person) exports snapshots of the same disk.',
      'An earlier replication ended without giving its access back.',
    ],
    recommendedAction:
      'Nothing has to be started again: the transfer waits and goes on once there is room, also in the downtime. Access of ours ends by itself after an hour at the latest. To speed it up, look for snapshots and restore points of the disk in the state ActiveSAS and end the export of those that nobody reads.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-AZ-007': {
    severity: 'critical',
    category: 'azure',
    message: 'The page blob {diskName} is in a storage account that this app cannot sign for.',
    possibleCauses: ['The app holds the key of one storage account only, and it is not this one.'],
    recommendedAction:
      'Give the app a managed identity with the role Storage Blob Data Contributor on that account, or make a managed disk of the blob.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AZ-008': {
    severity: 'critical',
    category: 'azure',
    message: 'The Azure VM {vmName} has the disk {diskName}, which is not carried.',
    possibleCauses: ['It was attached after the protected item was recorded.'],
    recommendedAction:
      'It would be lost with the VM. Before the commit: cancel, put the protected item again (PUT) and start a new failback. Behind it the machine runs on-premises: look first at what the disk holds and since when it is attached. What the machine wrote to it before the failover did not come home and has to be copied there. Only then detach the disk, which keeps it, and resume the failback.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AZ-009': {
    severity: 'critical',
    category: 'azure',
    message:
      'The disks of the Azure VM {vmName} are not those that are copied home: {difference}. What the machine writes there is not copied.',
    possibleCauses: [
      'A restore from a backup replaced disks of the VM, or somebody swapped its system disk.',
      'A data disk was attached to the VM after the protected item was recorded.',
    ],
    recommendedAction:
      'Detach and delete nothing that the machine uses: what it writes now is on the disks that it has now. If the change was a mistake, put the earlier disks back, or detach a disk that the machine does not need: a failback that is shown this goes on by itself. If it was meant, cancel, put the protected item again (PUT) and start a new failback, which copies or compares everything.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AZ-010': {
    severity: 'critical',
    category: 'azure',
    message: 'The Azure VM {vmName} does not have its disk {diskName} any more.',
    possibleCauses: ['It was detached, or detached and deleted.'],
    recommendedAction:
      'If the machine needs it, attach it again: a failback that is shown this goes on by itself. If it was taken away for good, cancel, put the protected item again (PUT) and start a new failback. If it is lost, fail over to latestProcessed: what is on-premises is the newest that is left of it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-AZ-011': {
    severity: 'warning',
    category: 'azure',
    message:
      'Snapshots of {itemName} that are not needed any more could not be removed in Azure: {reason}.',
    possibleCauses: [
      'Azure was busy for as long as it was asked.',
      'A lock or a missing right keeps snapshots from being deleted.',
    ],
    recommendedAction:
      'The recovery point is not touched by it. Removing them is tried again behind the next one, at the commit and on the way back. If it lasts, take away what Azure names: snapshots are paid for, and Azure keeps 500 of a disk. Ours have the tag failback-item.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
