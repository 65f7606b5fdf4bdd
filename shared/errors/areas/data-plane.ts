import type { Catalogue } from '../entry.ts';

/** FB-DATA: process server, wire and source. FB-JRN: journal and disks at the master target. */
export const DATA_PLANE_ERRORS = {
  'FB-DATA-001': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The process server could not reach the master target at {host}:{port}: {reason}',
    possibleCauses: [
      'The VPN or ExpressRoute between Azure and the site is down.',
      'The port is closed on the way.',
      'The master target program does not run.',
    ],
    recommendedAction:
      'Check the connection and that the master target runs; the transfer resumes where it stopped.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-DATA-002': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The source disk has {actualBytes} bytes, {neededBytes} were expected.',
    possibleCauses: [
      'Another disk, smaller than the one before, was put into its place in Azure: disks of Azure only grow.',
      'The disk grew during a rehearsal, which takes the machine as it was recorded.',
    ],
    recommendedAction:
      'Put the protected item again (PUT) and start anew. Where the original VM is used and its disk is too large or too small, first replace or resize it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-DATA-003': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The footer of the source disk is not that of a fixed VHD: {fault}.',
    possibleCauses: ['The export is not a VHD of a managed disk.'],
    recommendedAction: 'Report it together with the name of the disk.',
    isRetryable: false,
    isCustomerResolvable: false,
  },
  'FB-DATA-004': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The listing of changed pages is not usable: {fault}.',
    possibleCauses: ['The storage service answered with ranges that overlap or are not aligned.'],
    recommendedAction: 'Start the failback again; report it if it happens again.',
    isRetryable: false,
    isCustomerResolvable: false,
  },
  'FB-DATA-005': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'Reading the source failed: {status} {code}',
    possibleCauses: [
      'The access to the snapshot was revoked or ran out.',
      'The storage service is throttling.',
    ],
    recommendedAction: 'Nothing for passing faults; otherwise look at the snapshot in Azure.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-DATA-006': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The peer sent a frame that must not be: {fault}.',
    possibleCauses: [
      'A damaged connection.',
      'A peer of another version.',
      'Somebody tampers with the connection.',
    ],
    recommendedAction:
      'The transfer starts again from what was acknowledged; check versions if it happens again.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-DATA-008': {
    severity: 'warning',
    category: 'dataPlane',
    message: 'The transfer was broken off.',
    possibleCauses: ['An operator cancelled the failback.', 'The agent is stopping.'],
    recommendedAction: 'Nothing.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-DATA-009': {
    severity: 'warning',
    category: 'dataPlane',
    message: 'The transfer of the disk {diskId} broke off and is tried again.',
    possibleCauses: ['A fault nobody foresaw; the log of the process server names it.'],
    recommendedAction:
      'Nothing while it goes on; if it comes back, read the log of the process server and start it again.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-JRN-001': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The replication {replicationId} is not open at this master target.',
    possibleCauses: [
      'The master target was replaced or its retention volume was lost.',
      'Its disks were given back to their VM.',
    ],
    recommendedAction: 'Start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-002': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The disk {diskId} cannot be sealed into {pointId}: {reason}',
    possibleCauses: [
      'A transfer did not finish.',
      'The retention volume lost or changed what was received.',
    ],
    recommendedAction:
      'Nothing for now: it is sent again, once. If it happens again, check the retention volume.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-003': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The device of the disk {diskId} was not found: {device}',
    possibleCauses: [
      'The disk is not attached to the master target.',
      'disk.EnableUUID is not set on the master target.',
    ],
    recommendedAction:
      'Attach the disk, or set disk.EnableUUID=TRUE on the master target and restart it.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-004': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The retention volume is full: {volume}',
    possibleCauses: [
      'Changes come faster than they are applied.',
      'More recovery points are kept than there is room for.',
      'Something else fills the volume.',
    ],
    recommendedAction:
      'Free space on the retention volume, or make it larger; what was begun goes on by itself.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-JRN-005': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The device of the disk {diskId} has {actualBytes} bytes, {neededBytes} are needed.',
    possibleCauses: ['The disk on-premises is smaller than the one in Azure.'],
    recommendedAction: 'Replace the disk on-premises by one that is large enough.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-006': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'There is no manifest of {pointId} for the disk {diskId}.',
    possibleCauses: ['The point was never sealed here.'],
    recommendedAction: 'Start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-007': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'Writing to the replica failed: {status} {code}',
    possibleCauses: ['The access ran out.', 'The storage account is throttling or full.'],
    recommendedAction: 'Nothing for passing faults; otherwise look at the replica storage account.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-JRN-008': {
    severity: 'critical',
    category: 'dataPlane',
    message:
      'The disk {diskId} on-premises does not hold what was written to it (block at {offset}).',
    possibleCauses: [
      'Another program wrote to the disk while the master target had it.',
      'The storage of the site returns wrong bytes.',
    ],
    recommendedAction:
      'Nothing for now: the disk is compared with Azure block by block. If it happens again, check the storage.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-009': {
    severity: 'critical',
    category: 'dataPlane',
    message:
      'The master target cannot take the disks back to the recovery point {pointId}: {reason}.',
    possibleCauses: [
      'Its retention time ran out.',
      'Newer points took its place.',
      'The retention volume lost or changed what leads back to it.',
    ],
    recommendedAction:
      'Choose another recovery point, or the latest one. Where something is damaged, check the retention volume.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-010': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The disk {device} of the master target cannot be written to: {reason}.',
    possibleCauses: [
      'Windows has its volumes in use.',
      'The datastore or the disk is of a kind that was not meant for this.',
    ],
    recommendedAction:
      'Look at the disk in the disk management of the master target, close what uses it, then start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-011': {
    severity: 'critical',
    category: 'dataPlane',
    message:
      'More than one device of the master target shows the UUID {uuid}: {devices}. None was touched.',
    possibleCauses: [
      'A disk was taken from the master target while something had it in use, and its device is still there.',
      'The same disk is attached to the master target twice.',
    ],
    recommendedAction:
      'Restart the master target, or write 1 to /sys/block/<name>/device/delete for the device that is gone; then start the failback again.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
  'FB-JRN-012': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The retention volume of the master target is not at {folder}: {reason}.',
    possibleCauses: [
      'It is not mounted, or was not yet when the master target started.',
      'Another volume is mounted in its place, or it was replaced.',
    ],
    recommendedAction:
      'Mount it; what was begun goes on by itself. Only where it is gone for good, delete retention-volume.json in the data folder of the master target: what the volume held is lost then, and its failbacks have to be started again.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-JRN-014': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The storage under the disk {diskId} on-premises is full: {device}',
    possibleCauses: [
      'The disk grows as it is written to, and its datastore or volume has no room left.',
    ],
    recommendedAction:
      'Free space where the disk lies, or enlarge it; what was begun goes on by itself.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-JRN-015': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The storage of the master target failed at {place}: {operation} ended with {reason}.',
    possibleCauses: [
      'The storage below it, or the way to it, was away or is defective.',
      'The operating system made the volume read-only after an error of the storage.',
      'Somebody took the disk or the volume from the master target.',
    ],
    recommendedAction:
      'Look at the storage and at the kernel log of the master target. What was begun is tried again by itself, from what was durable before; where the storage stays broken, cancel the failback and replace it.',
    isRetryable: true,
    isCustomerResolvable: true,
  },
  'FB-JRN-016': {
    severity: 'critical',
    category: 'dataPlane',
    message: 'The record {file} on the retention volume is damaged: {reason}.',
    possibleCauses: [
      'The storage lost or changed it, as in a power cut that it promised to survive.',
      'Somebody changed the file, or a master target of another version wrote it.',
    ],
    recommendedAction:
      'Put the file back from a copy, if there is one of this very state. Otherwise check the volume, cancel the failback and start it again: what the volume holds of this replication is forgotten then, and its disks are compared with Azure.',
    isRetryable: false,
    isCustomerResolvable: true,
  },
} as const satisfies Catalogue;
