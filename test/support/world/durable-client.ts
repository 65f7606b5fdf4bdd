import type { DurableClient } from 'durable-functions';
import type { DurableHarness } from '../durable-harness.ts';

/** The three calls of the SDK's client that the product makes, with the SDK's answers. */
export function durableClientOf(harness: () => DurableHarness): DurableClient {
  const client = {
    startNew: async (
      name: string,
      { instanceId, input }: { instanceId: string; input: unknown },
    ) => {
      harness().start(name, instanceId, input);
      return instanceId;
    },
    raiseEvent: async (instanceId: string, name: string, input: unknown) => {
      const verdict = harness().management.raiseEvent(instanceId, name, JSON.stringify(input));
      if (verdict === 'notFound') throw notFound(instanceId);
    },
    getStatus: async (instanceId: string) => {
      const status = harness().management.status(instanceId);
      if (status === null) throw notFound(instanceId);
      return status;
    },
  };
  // A class with many more methods; the product's own adapter uses these three.
  return client as unknown as DurableClient;
}

function notFound(instanceId: string): Error {
  return new Error(`The operation failed with an unexpected status code: HTTP 404. ${instanceId}`);
}
