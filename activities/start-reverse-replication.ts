import type { ActivityHandler } from '../shared/contracts/activities.ts';
import {
  type OrchestrationInput,
  reverseReplicationInstanceId,
} from '../shared/contracts/orchestrations.ts';
import type { ActivityDeps } from './support/deps.ts';

/** Starts the loop that keeps the machine protected towards Azure. A loop that runs is left alone. */
export const createStartReverseReplication = ({
  orchestrator,
}: Pick<ActivityDeps, 'orchestrator'>): ActivityHandler<'startReverseReplication'> =>
  async function startReverseReplication({ itemId }) {
    const input: OrchestrationInput<'reverseReplication'> = { itemId, cycle: 0, failures: 0 };
    const instanceId = reverseReplicationInstanceId(itemId);
    await orchestrator.start('reverseReplication', instanceId, input);
    return null;
  };
