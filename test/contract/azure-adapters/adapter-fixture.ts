import { AnonymousCredential, PageBlobClient } from '@azure/storage-blob';
import { afterAll, beforeAll } from '@jest/globals';
import type { StorageClients } from '../../../shared/adapters/azure/clients.ts';
import { PageBlobs } from '../../../shared/adapters/azure/page-blobs.ts';
import { BlobReplicaDisks } from '../../../shared/adapters/azure/replica-disks.ts';
import { AzureDiskSnapshots } from '../../../shared/adapters/azure/source-snapshots.ts';
import { ArmVirtualMachines } from '../../../shared/adapters/azure/virtual-machines.ts';
import type { Secret } from '../../../shared/domain/secret.ts';
import { storageOf, unique } from '../../support/control-plane/azure-storage.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { type LabAzure, startLabAzure } from '../../support/lab-azure.ts';

export const GROUP = 'dr';
export const MIB = 1024 * 1024;
/** How an adapter tells that Azure will not do it, however often it is asked. */
export const REFUSED = { code: 'FB-AZ-001', isRetryable: false };
/** How an adapter tells that Azure may do it the next time. */
export const PASSING = { code: 'FB-AZ-002', isRetryable: true };

interface AdapterFixture {
  azure: LabAzure;
  storage: StorageClients;
  vms: ArmVirtualMachines;
  snapshots: AzureDiskSnapshots;
  replicas: BlobReplicaDisks;
}

/** Starts the lab's Azure before the tests of the file it is called in; the fields are there from then on. */
export function useAdapters(): AdapterFixture {
  const fixture = {} as AdapterFixture;
  beforeAll(async () => {
    const azure = await startLabAzure();
    const arm = azure.clients;
    const storage = storageOf(azure.azurite);
    const blobs = new PageBlobs(storage.blobs);
    const clock = { now: () => new Date() };
    const warn = (message: string): never => {
      throw new Error(message);
    };
    fixture.azure = azure;
    fixture.storage = storage;
    fixture.vms = new ArmVirtualMachines(arm, blobs);
    fixture.snapshots = new AzureDiskSnapshots({ arm, blobs, clock, warn });
    fixture.replicas = new BlobReplicaDisks(storage, arm, clock);
  });
  afterAll(async () => fixture.azure.stop());
  return fixture;
}

/** A VM that runs, with an OS disk `<name>-os` and a data disk `<name>-data`. */
export async function aVm({ azure }: AdapterFixture, vmSize = 'Standard_D2s_v5'): Promise<string> {
  const name = unique('vm');
  const disks = [
    { name: `${name}-os`, sizeBytes: 2 * MIB, lun: null, writableFrom: MIB },
    { name: `${name}-data`, sizeBytes: MIB, lun: 0, writableFrom: 0 },
  ];
  await azure.arm.seed({ resourceGroup: GROUP, name, disks, osType: 'Linux', vmSize });
  return name;
}

export async function powered({ vms }: AdapterFixture, vm: string, state: string): Promise<void> {
  await untilTrue(`${vm} is ${state}`, async () => (await vms.powerState(GROUP, vm)) === state);
}

/** The next call of this operation is answered with the status and the code. */
export function failOnce(
  { azure }: AdapterFixture,
  operation: string,
  [status, code]: readonly [number, string],
): void {
  azure.arm.inject({ operation, status, code, times: 1 });
}

/** A client of a SAS URL, without retries: the default ones wait for seconds. */
export const open = (url: Secret): PageBlobClient =>
  new PageBlobClient(url.reveal(), new AnonymousCredential(), { retryOptions: { maxTries: 1 } });
