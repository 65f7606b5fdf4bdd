import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { agreeOnPoint, type ReplicationGroupRecord } from '../shared/domain/replication-group.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { updateRecord } from '../shared/services/update-record.ts';
import type { StoreDeps } from './support/deps.ts';

/**
 * The instant at which all machines of a replication group take a point together, or a proposal for one. Of two
 * that propose at once one gets it, guarded by the record's ETag, and the other one reads it.
 */
export const createAgreeOnGroupPoint = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'agreeOnGroupPoint'> =>
  async function agreeOnGroupPoint({ groupId, ...interval }) {
    await makeRecord(stores.replicationGroups, groupId);
    let take: ReplicationGroupRecord['proposal'] = null;
    await updateRecord(stores.replicationGroups, groupId, (record) => {
      const agreed = agreeOnPoint(record, { ...interval, now: clock.now() });
      ({ take } = agreed);
      return agreed.record;
    });
    return { take };
  };

async function makeRecord(
  groups: StoreDeps['stores']['replicationGroups'],
  id: string,
): Promise<void> {
  if ((await groups.get(id)) !== null) return;
  try {
    await groups.create({ id, proposal: null, proposals: 0 });
  } catch (error) {
    if (!(error instanceof FailbackError && error.code === 'FB-REQ-008')) throw error;
  }
}
