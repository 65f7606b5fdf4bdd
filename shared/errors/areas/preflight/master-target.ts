import type { Catalogue } from '../../entry.ts';

/** FB-PRE: the master target. */
export const MASTER_TARGET_PREFLIGHT_ERRORS = {
  'FB-PRE-040': {
    severity: 'critical',
    category: 'preflight',
    message: 'The master target runs {actual}, the machine {needed}.',
    possibleCauses: ['A master target serves machines of its own OS family only.'],
    recommendedAction: 'Choose a master target of the OS family {needed}.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-041': {
    severity: 'critical',
    category: 'preflight',
    message: 'The master target would hold {needed} disks; its limit is {limit}.',
    possibleCauses: ['Other failbacks use the same master target.'],
    recommendedAction: 'Choose another master target or wait.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-042': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The retention volume has {actualBytes} bytes free and needs {neededBytes}; writable: {isWritable}.',
    possibleCauses: ['The volume is full or mounted read-only.'],
    recommendedAction: 'Free space on the retention volume or make it writable.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-043': {
    severity: 'critical',
    category: 'preflight',
    message: 'The retention folder is not on a volume of its own.',
    possibleCauses: ['No disk was added to the master target for it.'],
    recommendedAction:
      'Add a disk to the master target, make a file system on it, and set the retention folder to it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-044': {
    severity: 'critical',
    category: 'preflight',
    message: 'The master target has {actual} snapshots.',
    possibleCauses: ['Backup software left a snapshot behind.'],
    recommendedAction:
      'Delete all snapshots of the master target, and exclude it from backups that take snapshots.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-045': {
    severity: 'critical',
    category: 'preflight',
    message: 'disk.EnableUUID of the master target is {actual}; it has to be {needed}.',
    possibleCauses: ['The setting is not there by default.'],
    recommendedAction:
      'Switch the master target off, set disk.EnableUUID to TRUE in its advanced settings, and switch it on.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-046': {
    severity: 'critical',
    category: 'preflight',
    message: 'VMware Tools are not installed in the master target.',
    possibleCauses: ['They were never installed, or were removed.'],
    recommendedAction: 'Install VMware Tools or open-vm-tools in the master target and restart it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-047': {
    severity: 'critical',
    category: 'preflight',
    message: 'The master target has version {actual}; the {program} has {needed}, which is older.',
    possibleCauses: ['The master target was updated first.'],
    recommendedAction: 'Update the {program} first, then start again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-048': {
    severity: 'critical',
    category: 'preflight',
    message: 'The master target lacks these packages: {packages}.',
    possibleCauses: ['It was not prepared.'],
    recommendedAction: 'Install the packages named here in the master target.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-049': {
    severity: 'critical',
    category: 'preflight',
    message:
      'The custom changes were applied {actual} times to the master target; it has to be exactly once.',
    possibleCauses: ['The preparation was left out.', 'It was run again after an update.'],
    recommendedAction:
      'Apply the custom changes once. If they were applied several times, set up the master target anew.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-050': {
    severity: 'critical',
    category: 'preflight',
    message: 'The master target was not restarted since it was prepared.',
    possibleCauses: ['The restart was left out.'],
    recommendedAction: 'Restart the master target.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-051': {
    severity: 'critical',
    category: 'preflight',
    message: 'The master target has the UUID {actual}, which is also the one of the VM.',
    possibleCauses: ['Both were made from the same template.'],
    recommendedAction: 'Set up a master target that was not made from the template of the VM.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-052': {
    severity: 'warning',
    category: 'preflight',
    message:
      'The retention volume has {actual} bytes free; the changes of the retained time may need {needed}.',
    possibleCauses: ['The volume is small for how much the machine changes.'],
    recommendedAction:
      'Enlarge the retention volume, or retain recovery points for a shorter time. A full volume holds the replication up until there is room.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-PRE-053': {
    severity: 'critical',
    category: 'preflight',
    message: 'Disks lie on vSAN, and the VM of the master target does not.',
    possibleCauses: ['The master target was made on another datastore.'],
    recommendedAction:
      'Choose a master target whose VM lies on the vSAN datastore, or move it there; ESXi attaches a disk on vSAN to no other VM while that runs.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
