import type { Catalogue } from '../entry.ts';

/** FB-SRC: the machine in Azure, when it is gone or cannot be asked. */
export const SOURCE_ERRORS = {
  'FB-SRC-001': {
    severity: 'critical',
    category: 'azure',
    message:
      'Azure does not know {vmName}, a disk or a snapshot of it any more, so that no change of {itemName} is copied: {reason}. The newest recovery point on-premises was taken at {takenAt}.',
    possibleCauses: [
      'Somebody deleted the VM, a disk, its snapshots or the whole resource group.',
      'The VM was moved to another resource group, where it may still run.',
    ],
    recommendedAction:
      'Nothing is thrown away, and the next cycle is tried again. If the machine is lost in Azure, fail over to latestProcessed: it boots at that point and loses what came after it. If it was moved or detached, bring it back. A cancel ends the failback and leaves the disks on-premises at that point.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-SRC-002': {
    severity: 'critical',
    category: 'azure',
    message:
      'Azure cannot be reached, so that nobody knows how the VM {vmName} is and no change of {itemName} is copied: {reason}. The newest recovery point on-premises was taken at {takenAt}.',
    possibleCauses: [
      'The region or its control plane is down.',
      'The way of this app to Azure Resource Manager is cut.',
    ],
    recommendedAction:
      'Nothing is thrown away, and the next cycle is tried again: wait if you can. If Azure does not come back, make sure that the Azure VM {vmName} serves nobody and will not, then fail over to latestProcessed with acceptUnreachableSource.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-SRC-003': {
    severity: 'warning',
    category: 'azure',
    message:
      '{itemName} cannot be failed over to latest, which needs a last delta from Azure: {reason}. Choose latestProcessed.',
    possibleCauses: [
      'The Azure VM or one of its disks does not exist any more.',
      'Azure cannot be reached.',
    ],
    recommendedAction:
      'Choose latestProcessed, the newest recovery point on-premises; what came after it is lost. Look at the preview for how much that is. Or bring back what is missing and wait until a cycle has gone well.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SRC-004': {
    severity: 'warning',
    category: 'azure',
    message: 'Nobody knows whether the Azure VM {vmName} of {itemName} is off: {reason}',
    possibleCauses: [
      'Azure cannot be reached, or refuses to say.',
      'The VM was moved to another resource group.',
    ],
    recommendedAction:
      'Booting on-premises now may leave two machines of one identity running, each with data that the other lacks. Wait until Azure answers. If you cannot: make sure by other means that the Azure VM is off or cut off from its users, see to it that it stays so when Azure comes back, then repeat the failover with acceptUnreachableSource (needs a committer).',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SRC-005': {
    severity: 'critical',
    category: 'azure',
    message:
      'The snapshot {snapshotName} of the last recovery point of {itemName} does not exist in Azure any more: there is nothing that the replica of {diskName} could begin with.',
    possibleCauses: ['It was deleted with the resource group, or by somebody.'],
    recommendedAction:
      'The machine runs on-premises and stays there, but it cannot be protected towards Azure by this failback. If the snapshot can be restored under its name, resume the failback. Otherwise protect the machine by other means.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SRC-006': {
    severity: 'warning',
    category: 'azure',
    message:
      'The cycle was broken off, because a failover to a recovery point that is sealed already was asked for.',
    possibleCauses: ['Somebody asked for it while the last changes could not be copied.'],
    recommendedAction: 'Nothing.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SRC-007': {
    severity: 'warning',
    category: 'azure',
    message:
      'Azure does not say whether the Azure VM {vmName} is off, so that nothing is committed: {reason}',
    possibleCauses: ['Azure cannot be reached, or refuses to say.'],
    recommendedAction:
      'The machine goes on running on-premises. Commit again once Azure answers; until then see to it that the Azure VM stays off.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-SRC-008': {
    severity: 'critical',
    category: 'azure',
    message:
      '{itemName} cannot be failed over, and no change of it is copied: {reason}. The newest recovery point on-premises was taken at {takenAt}, and may be of other disks.',
    possibleCauses: [
      'A restore from a backup replaced disks of the Azure VM, or somebody swapped its system disk.',
      'A data disk was attached to the Azure VM during the failback.',
    ],
    recommendedAction:
      'Nothing is thrown away. Detach and delete nothing that the machine uses: what it writes now is on the disks that it has now. If the change was a mistake, put the earlier disks back, or detach a disk that the machine does not need: the next cycle then goes on. If it was meant, cancel, put the protected item again (PUT) and start a new failback, which copies or compares everything.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
