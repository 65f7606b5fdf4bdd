/** FB-SRC: file and title of the test that shows the code. */
export const SOURCE_SHOWN_IN: Readonly<Record<string, readonly [string, string]>> = {
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
