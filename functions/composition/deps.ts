import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { StorageAgentQueues } from '../../shared/adapters/azure/agent-queues.ts';
import {
  createArmClients,
  createCredential,
  createStorageClients,
  type StorageSettings,
} from '../../shared/adapters/azure/clients.ts';
import { PageBlobs } from '../../shared/adapters/azure/page-blobs.ts';
import { ArmProcessServers } from '../../shared/adapters/azure/process-servers.ts';
import { BlobReplicaDisks } from '../../shared/adapters/azure/replica-disks.ts';
import { AzureDiskSnapshots } from '../../shared/adapters/azure/source-snapshots.ts';
import { createStores } from '../../shared/adapters/azure/stores.ts';
import { ArmVirtualMachines } from '../../shared/adapters/azure/virtual-machines.ts';
import { SignedWebhooks } from '../../shared/adapters/https/signed-webhooks.ts';
import { newestFirstShort } from '../../shared/domain/newest-first.ts';
import type { AgeingStores } from '../../shared/ports/stores.ts';
import type { Clock } from '../../shared/ports/messaging.ts';
import type { ActivityDeps } from '../../activities/support/deps.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { accessPolicy, createAccessKeys } from './access.ts';
import { warn } from './logger.ts';
import type { Settings } from './settings.ts';

/** Everything but the orchestrator, which belongs to one invocation. */
export type SharedDeps = Omit<ActivityDeps & FunctionDeps, 'orchestrator' | 'jobControl'> & {
  readonly stores: AgeingStores;
};

const clock: Clock = { now: () => new Date() };

export function createSharedDeps(settings: Settings): SharedDeps {
  const credential = createCredential();
  const storage = createStorageClients(storageSettings(settings), credential);
  const arm = createArmClients(
    {
      subscriptionId: settings.FAILBACK_SUBSCRIPTION_ID,
      endpoint: settings.FAILBACK_ARM_ENDPOINT,
    },
    credential,
  );
  const blobs = new PageBlobs(storage.blobs);
  const [publisher = '', offer = '', sku = '', version = ''] =
    settings.FAILBACK_PROCESS_SERVER_IMAGE.split(':');
  return {
    clock,
    stores: createStores((name) => storage.table(name)),
    queues: new StorageAgentQueues(storage.queues, clock),
    vms: new ArmVirtualMachines(arm, blobs),
    snapshots: new AzureDiskSnapshots({ arm, blobs, clock, warn }),
    replicas: new BlobReplicaDisks(storage, arm, clock),
    processServers: new ArmProcessServers(arm, {
      controlPlaneUrl: settings.FAILBACK_PUBLIC_URL,
      registrationToken: settings.FAILBACK_REGISTRATION_TOKEN,
      passphrase: settings.FAILBACK_PASSPHRASE,
      packageUrl: settings.FAILBACK_AGENT_PACKAGE_URL,
      bandwidth: settings.FAILBACK_PROCESS_SERVER_BANDWIDTH,
      vmSize: settings.FAILBACK_PROCESS_SERVER_SIZE,
      adminSshPublicKey: settings.FAILBACK_PROCESS_SERVER_SSH_KEY,
      image: { publisher, offer, sku, version },
    }),
    accessKeys: createAccessKeys(settings, credential, clock),
    access: accessPolicy(settings),
    webhooks: new SignedWebhooks(settings.FAILBACK_WEBHOOK_SECRETS, clock),
    webhookSecretNames: [...settings.FAILBACK_WEBHOOK_SECRETS.keys()],
    registrationToken: settings.FAILBACK_REGISTRATION_TOKEN,
    newJobId,
    pause: async (milliseconds) => delay(milliseconds),
    newEventKey: () => randomBytes(4).toString('hex'),
    newAgentKey: () => randomBytes(32).toString('base64url'),
  };
}

function newJobId(prefix: string): string {
  return `${prefix}-${newestFirstShort(clock.now())}-${randomBytes(3).toString('hex')}`;
}

function storageSettings(settings: Settings): StorageSettings {
  const { FAILBACK_STORAGE_CONNECTION: connectionString } = settings;
  if (connectionString !== undefined) return { kind: 'connectionString', connectionString };
  return {
    kind: 'identity',
    accountName: settings.FAILBACK_STORAGE_ACCOUNT ?? '',
    endpointSuffix: settings.FAILBACK_STORAGE_SUFFIX,
  };
}
