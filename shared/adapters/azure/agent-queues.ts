import {
  generateQueueSASQueryParameters,
  type QueueServiceClient,
  QueueSASPermissions,
  StorageSharedKeyCredential,
} from '@azure/storage-queue';
import { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import type { AccessGrant } from '../../ports/azure.ts';
import type { AgentQueues, Clock } from '../../ports/messaging.ts';
import { callAzure } from './azure-error.ts';

const URL_LIFETIME_MS = 24 * 3_600_000;

export function queueName(agentId: string): string {
  return `agent-${agentId.toLowerCase()}`;
}

/** Queue SAS needs the account key: user delegation SAS does not exist for queues in this SDK version. */
export class StorageAgentQueues implements AgentQueues {
  readonly #service: QueueServiceClient;
  readonly #clock: Clock;

  constructor(service: QueueServiceClient, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
  }

  async grantReceive(agentId: string): Promise<AccessGrant> {
    const client = this.#service.getQueueClient(queueName(agentId));
    const { credential } = this.#service as unknown as { credential: unknown };
    if (!(credential instanceof StorageSharedKeyCredential)) {
      const detail = 'the storage setting must be a connection string with an account key';
      throw new FailbackError('FB-AZ-001', {
        operation: 'queue SAS',
        code: 'NoAccountKey',
        detail,
      });
    }
    await callAzure('create the queue of an agent', () => client.createIfNotExists());
    const now = this.#clock.now().getTime();
    const expiresAt = new Date(now + URL_LIFETIME_MS);
    const query = generateQueueSASQueryParameters(
      {
        queueName: client.name,
        // Receiving and deleting is "process"; renewing the visibility of a message is "update".
        permissions: QueueSASPermissions.parse('rup'),
        startsOn: new Date(now - 5 * 60_000),
        expiresOn: expiresAt,
      },
      credential,
    );
    return { url: new Secret(`${client.url}?${query.toString()}`), expiresAt };
  }

  async send(agentId: string, commandId: string): Promise<void> {
    const message = Buffer.from(JSON.stringify({ commandId })).toString('base64');
    await callAzure('send a command', async () => {
      const client = this.#service.getQueueClient(queueName(agentId));
      await client.createIfNotExists();
      // The record is the truth and the orchestration resends nothing: a message must outlive an outage.
      await client.sendMessage(message, { messageTimeToLive: -1 });
    });
  }
}
