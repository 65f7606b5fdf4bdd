import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ComputeManagementClient } from '@azure/arm-compute';
import { ManagementLockClient } from '@azure/arm-locks';
import { NetworkManagementClient } from '@azure/arm-network';
import { ManagedIdentityCredential } from '@azure/identity';
import type { ApplianceRequest } from '../../local/arm/context.ts';
import { type Arm, startArm } from '../../local/arm/start-arm.ts';
import { type Azurite, startAzurite } from '../../local/azurite/start-azurite.ts';
import { createLabCertificates } from '../../local/tls/create-certificate.ts';
import type { Pipeline } from '@azure/core-rest-pipeline';
import { type ArmClients, createArmPipeline } from '../../shared/adapters/azure/clients.ts';

export const SUBSCRIPTION = '00000000-0000-4000-8000-000000000001';
const KEY = Buffer.from('a key of the lab').toString('base64');

/** Storage and Resource Manager of the lab in this process, with the real SDK clients against them. */
export interface LabAzure {
  readonly folder: string;
  readonly azurite: Azurite;
  readonly arm: Arm;
  readonly clients: ArmClients;
  readonly pipeline: Pipeline;
  /** Appliances that were booted, in order. */
  readonly booted: ApplianceRequest[];
  restartArm(): Promise<LabAzure>;
  stop(): Promise<void>;
}

export async function startLabAzure(now?: () => Date, guestPauseMs = 0): Promise<LabAzure> {
  const azurite = await startAzurite({
    ports: { blob: 0, queue: 0, table: 0 },
    accounts: [
      { name: 'labdisks', keyBase64: KEY },
      { name: 'failback', keyBase64: KEY },
    ],
    managedDiskAccounts: ['labdisks'],
  });
  const folder = mkdtempSync(join(tmpdir(), 'lab-azure-'));
  return withArm({ azurite, folder, guestPauseMs, now });
}

interface ArmParts {
  readonly azurite: Azurite;
  readonly folder: string;
  readonly guestPauseMs: number;
  readonly now: (() => Date) | undefined;
}

async function withArm(parts: ArmParts): Promise<LabAzure> {
  const { azurite, folder, guestPauseMs, now } = parts;
  const certificates = await createLabCertificates();
  const booted: ApplianceRequest[] = [];
  const arm = await startArm({
    azurite,
    diskAccount: 'labdisks',
    dataFolder: folder,
    functionsHostFolder: folder,
    certificates,
    subscriptionId: SUBSCRIPTION,
    latencyMs: 1,
    guestPauseMs,
    bootAppliance: async (request) => {
      booted.push(request);
      return { stop: async () => undefined };
    },
    ...(now === undefined ? {} : { now }),
  });
  process.env['IDENTITY_ENDPOINT'] = arm.identityEndpoint;
  process.env['IDENTITY_HEADER'] = arm.identityHeader;
  const credential = new ManagedIdentityCredential();
  const options = {
    endpoint: arm.endpoint,
    tlsOptions: { ca: certificates.caPem },
    retryOptions: { maxRetries: 0 },
  };
  const clients: ArmClients = {
    compute: new ComputeManagementClient(credential, SUBSCRIPTION, options),
    network: new NetworkManagementClient(credential, SUBSCRIPTION, options),
    locks: new ManagementLockClient(credential, SUBSCRIPTION, options),
  };
  return {
    folder,
    azurite,
    arm,
    clients,
    pipeline: createArmPipeline(arm.endpoint, credential, options),
    booted,
    restartArm: async () => {
      await arm.stop();
      return withArm(parts);
    },
    stop: async () => {
      await arm.stop();
      await azurite.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
