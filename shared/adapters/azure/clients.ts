import { ComputeManagementClient } from '@azure/arm-compute';
import { ManagementLockClient } from '@azure/arm-locks';
import { NetworkManagementClient } from '@azure/arm-network';
import { TableClient } from '@azure/data-tables';
import {
  bearerTokenAuthenticationPolicy,
  createPipelineFromOptions,
  type Pipeline,
  type PipelineOptions,
  type PipelinePolicy,
} from '@azure/core-rest-pipeline';
import { DefaultAzureCredential, type TokenCredential } from '@azure/identity';
import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import type { Secret } from '../../domain/secret.ts';

/** Either a connection string, or the account's name and the app's managed identity. */
export type StorageSettings =
  | { readonly kind: 'connectionString'; readonly connectionString: Secret }
  | { readonly kind: 'identity'; readonly accountName: string; readonly endpointSuffix: string };

export interface ArmSettings {
  readonly subscriptionId: string;
  /** Differs in sovereign clouds. */
  readonly endpoint: string;
}

export interface StorageClients {
  readonly blobs: BlobServiceClient;
  readonly queues: QueueServiceClient;
  table(name: string): TableClient;
}

export interface ArmClients {
  readonly compute: ComputeManagementClient;
  readonly network: NetworkManagementClient;
  readonly locks: ManagementLockClient;
}

export function createStorageClients(
  settings: StorageSettings,
  credential: TokenCredential,
): StorageClients {
  if (settings.kind === 'connectionString') {
    const text = settings.connectionString.reveal();
    return {
      blobs: BlobServiceClient.fromConnectionString(text),
      queues: QueueServiceClient.fromConnectionString(text),
      // Plain HTTP is for a connection string that names it: the storage emulator on loopback.
      table: (name) =>
        TableClient.fromConnectionString(text, name, {
          allowInsecureConnection: /DefaultEndpointsProtocol=http(;|$)/.test(text),
        }),
    };
  }
  const url = (service: string): string =>
    `https://${settings.accountName}.${service}.${settings.endpointSuffix}`;
  return {
    blobs: new BlobServiceClient(url('blob'), credential),
    queues: new QueueServiceClient(url('queue'), credential),
    table: (name) => new TableClient(url('table'), name, credential),
  };
}

export function createArmClients(settings: ArmSettings, credential: TokenCredential): ArmClients {
  const { subscriptionId, endpoint } = settings;
  const additionalPolicies = [{ policy: noLongSleep, position: 'perRetry' as const }];
  const options = { endpoint, additionalPolicies };
  return {
    compute: new ComputeManagementClient(credential, subscriptionId, options),
    network: new NetworkManagementClient(credential, subscriptionId, options),
    locks: new ManagementLockClient(credential, subscriptionId, options),
  };
}

/** For calls to Resource Manager that no client is worth a dependency for. */
export function createArmPipeline(
  endpoint: string,
  credential: TokenCredential,
  options: PipelineOptions = {},
): Pipeline {
  const pipeline = createPipelineFromOptions(options);
  pipeline.addPolicy(noLongSleep, { afterPhase: 'Retry' });
  const scopes = `${endpoint}/.default`;
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes }), {
    afterPhase: 'Retry',
  });
  return pipeline;
}

const MAX_SLEEP_SECONDS = 30;

/**
 * The SDK sleeps as long as a refusal says, which for restore points is up to an hour: longer than an
 * activity may run. Without the header it gives up at once, and whoever called decides.
 */
export const noLongSleep: PipelinePolicy = {
  name: 'noLongSleep',
  async sendRequest(request, next) {
    const response = await next(request);
    const seconds = Number(response.headers.get('retry-after') ?? 0);
    if (response.status === 429 && !(seconds <= MAX_SLEEP_SECONDS)) {
      response.headers.delete('retry-after');
    }
    return response;
  },
};

/** Managed identity in Azure, the developer's own sign-in elsewhere. */
export function createCredential(): TokenCredential {
  return new DefaultAzureCredential();
}
