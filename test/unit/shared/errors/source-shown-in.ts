/** FB-SRC: file and title of the test that shows the code. */
export const SOURCE_SHOWN_IN: Readonly<Record<string, readonly [string, string]>> = {
  'FB-AZ-001': [
    'contract/azure-adapters/process-servers',
    'leaves no interface behind when it never came to a VM',
  ],
  'FB-AZ-002': [
    'contract/azure-adapters/records',
    'cannot be had while the storage does not answer, which may pass',
  ],
  'FB-AZ-006': [
    'contract/azure-sources/access',
    'is refused for the sixth of the %s of a disk with a code that says what to do, until one is released',
  ],
  'FB-AZ-007': [
    'contract/azure-sources/page-blobs',
    'is refused with a code of its own when the blobs are in an account that nobody can sign for',
  ],
  'FB-AZ-009': [
    'contract/azure-sources/changed-disks',
    'are not copied in place of the disks that the VM has now',
  ],
  'FB-AZ-010': ['contract/azure-sources/changed-disks', 'are not copied once they are detached'],
  'FB-AZ-011': [
    'orchestrations/left-snapshots',
    'costs no recovery point, is shown, and is made up for by the next one',
  ],
  'FB-AZ-008': ['orchestrations/commit', 'is refused before anything is copied'],
  'FB-SRC-001': [
    'orchestrations/lost-source',
    'ends nothing: the job waits, says what happened, and tries the next cycle',
  ],
  'FB-SRC-002': [
    'orchestrations/lost-source',
    'goes on replicating with what it had as soon as Azure is back',
  ],
  'FB-SRC-003': [
    'orchestrations/lost-source',
    'is refused latest, which nobody can send any more, and told what to choose',
  ],
  'FB-SRC-004': [
    'orchestrations/lost-source',
    'does not boot at home before somebody who may commit says that it may',
  ],
  'FB-SRC-005': [
    'orchestrations/lost-source',
    'can be committed without its snapshots no further than the code says, and stays home',
  ],
  'FB-SRC-006': [
    'orchestrations/lost-source',
    'does not keep a failover to the newest sealed point waiting',
  ],
  'FB-SRC-007': [
    'orchestrations/lost-source',
    'boots with that consent, which is written down, and commits only once Azure answers',
  ],
  'FB-SRC-008': [
    'orchestrations/changed-disks',
    'copies nothing, says so, and fails over to no point',
  ],
};
