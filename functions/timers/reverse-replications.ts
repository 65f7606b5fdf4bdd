import type { InvocationContext } from '@azure/functions';
import {
  type OrchestrationInput,
  reverseReplicationInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';

/**
 * Starts the replication towards Azure of every protected machine whose loop does not run: it broke, was never begun, or
 * was ended from outside. The health of the item says so until a delta has arrived.
 */
export async function keepReverseReplications(
  { stores, orchestrator }: Pick<FunctionDeps, 'stores' | 'orchestrator'>,
  context: Pick<InvocationContext, 'warn'>,
): Promise<void> {
  for (const { id: itemId, name, phase, activeJobId } of await stores.items.list()) {
    if (phase !== 'protected') continue;
    const instanceId = reverseReplicationInstanceId(itemId);
    if (await orchestrator.isRunning(instanceId)) continue;
    const error = errorRecord('FB-HLT-007', { itemName: name });
    // The job that has brought the machine there may be about to begin it: then nothing is wrong.
    if (activeJobId === null) {
      await updateRecord(stores.items, itemId, (item) =>
        item.reverseError === undefined ? { ...item, reverseError: error } : item,
      );
    }
    const input: OrchestrationInput<'reverseReplication'> = { itemId, cycle: 0, failures: 0 };
    await orchestrator.start('reverseReplication', instanceId, input);
    context.warn(`${error.message} It was started anew.`);
  }
}
