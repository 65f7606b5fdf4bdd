import type { DurableClient } from 'durable-functions';
import type { Orchestrator } from '../../shared/ports/messaging.ts';

const ALIVE: readonly string[] = ['Running', 'Pending', 'ContinuedAsNew', 'Suspended'];

/** The durable client of one invocation as our port. */
export function durableOrchestrator(client: DurableClient): Orchestrator {
  const isRunning = async (instanceId: string): Promise<boolean> => {
    const status = await findStatus(client, instanceId);
    return status !== null && ALIVE.includes(status);
  };
  return {
    isRunning,
    start: async (name, instanceId, input) => {
      if (await isRunning(instanceId)) return;
      await client.startNew(name, { instanceId, input });
    },
    wake: async (instanceId, eventName) => {
      try {
        await client.raiseEvent(instanceId, eventName, null);
      } catch (error) {
        // Nobody there to wake: whoever comes later reads the record.
        if (await isRunning(instanceId)) throw error;
      }
    },
  };
}

/** The SDK throws for an unknown instance. */
async function findStatus(client: DurableClient, instanceId: string): Promise<string | null> {
  try {
    return (await client.getStatus(instanceId)).runtimeStatus;
  } catch (error) {
    if (error instanceof Error && error.message.includes('HTTP 404')) return null;
    throw error;
  }
}
