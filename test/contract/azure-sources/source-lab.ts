import { randomBytes } from 'node:crypto';
import {
  AnonymousCredential,
  BlobServiceClient,
  PageBlobClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { SeedVirtualMachine } from '../../../local/arm/start-arm.ts';
import type { DiskRecord } from '../../../local/arm/state.ts';
import { PageBlobs } from '../../../shared/adapters/azure/page-blobs.ts';
import { AzureDiskSnapshots } from '../../../shared/adapters/azure/source-snapshots.ts';
import { ArmVirtualMachines } from '../../../shared/adapters/azure/virtual-machines.ts';
import { buildVhdFooter, VHD_FOOTER_BYTES } from '../../../shared/domain/vhd-footer.ts';
import type { SnapshotRequest, SnapshotsTaken, SourceAccess } from '../../../shared/ports/azure.ts';
import { type LabAzure, startLabAzure } from '../../support/lab-azure.ts';
import { must } from '../../support/must.ts';

export const GROUP = 'dr';
export const MIB = 1024 * 1024;

/** Start of the part of each disk that the guest writes to. */
export const WRITABLE_FROM = { os: MIB, 'lun-0': 0 } as const;

/** The lab's Azure, a clock that tests move, and the real adapters. */
export class SourceLab {
  readonly azure: LabAzure;
  readonly snapshots: AzureDiskSnapshots;
  readonly vms: ArmVirtualMachines;
  readonly warnings: string[] = [];
  readonly #clock: { nowMs: number };

  private constructor(azure: LabAzure, clock: { nowMs: number }) {
    this.azure = azure;
    this.#clock = clock;
    const connection = azure.azurite.connectionString('failback');
    const blobs = new PageBlobs(BlobServiceClient.fromConnectionString(connection));
    this.vms = new ArmVirtualMachines(azure.clients, blobs);
    this.snapshots = new AzureDiskSnapshots({
      arm: azure.clients,
      blobs,
      clock: { now: () => new Date(clock.nowMs) },
      warn: (message) => this.warnings.push(message),
    });
  }

  static async start(guestPauseMs = 0): Promise<SourceLab> {
    const clock = { nowMs: Date.now() };
    const azure = await startLabAzure(() => new Date(clock.nowMs), guestPauseMs);
    return new SourceLab(azure, clock);
  }

  pass(ms: number): void {
    this.#clock.nowMs += ms;
  }

  async stop(): Promise<void> {
    await this.azure.stop();
  }

  /** An OS disk of 4 MiB and, unless told otherwise, a data disk of 2 MiB. */
  async seed(name: string, changes: Partial<SeedVirtualMachine> = {}): Promise<void> {
    await this.azure.arm.seed({
      resourceGroup: GROUP,
      name,
      osType: 'Linux',
      vmSize: 'Standard_D2s_v5',
      disks: [
        { name: `${name}-os`, sizeBytes: 4 * MIB, lun: null, writableFrom: WRITABLE_FROM.os },
        { name: `${name}-data`, sizeBytes: 2 * MIB, lun: 0, writableFrom: WRITABLE_FROM['lun-0'] },
      ],
      ...changes,
    });
  }

  /** As an activity asks for the VM that `seed` made. */
  request(
    name: string,
    pointId: string,
    consistency: SnapshotRequest['consistency'] = 'crashConsistent',
  ): SnapshotRequest {
    return {
      resourceGroup: GROUP,
      itemId: `item-${name}`,
      vmName: name,
      // Unique in the resource group, as the ids of jobs are.
      pointId: `${name}-${pointId}`,
      consistency,
      isOneInstantWanted: true,
      disks: [
        { id: 'os', diskName: `${name}-os`, kind: 'managedDisk' },
        { id: 'lun-0', diskName: `${name}-data`, kind: 'managedDisk' },
      ],
    };
  }

  async prune(request: SnapshotRequest, keep: readonly string[]): Promise<number> {
    return (await this.snapshots.prune({ ...request, keep })).deleted;
  }

  /** Access to snapshots that are there. */
  async openRead(names: Parameters<AzureDiskSnapshots['grantRead']>[1]): Promise<SourceAccess> {
    const access = await this.snapshots.grantRead(GROUP, names);
    return must(access, `access to ${names.snapshot}`);
  }

  /** What Resource Manager knows of the disk; tests may change it. */
  diskRecord(diskName: string): DiskRecord {
    const found = this.azure.arm.state.disks.find(({ name }) => name === diskName);
    return must(found, `the disk ${diskName}`);
  }

  /** What the guest itself would write to. */
  managedDisk(diskName: string): PageBlobClient {
    const connection = this.azure.azurite.connectionString('labdisks');
    return new PageBlobClient(connection, 'disks', `${this.diskRecord(diskName).uniqueId}.vhd`);
  }

  /** A fixed VHD full of noise in an account of the lab; gives its URL. */
  async createPageBlob(name: string, sizeBytes: number, account = 'failback'): Promise<string> {
    const { azurite } = this.azure;
    const credential = new StorageSharedKeyCredential(account, azurite.keyOf(account));
    const container = new BlobServiceClient(
      azurite.blobUrl(account),
      credential,
    ).getContainerClient('vhds');
    await container.createIfNotExists();
    const blob = container.getPageBlobClient(name);
    await blob.create(sizeBytes + VHD_FOOTER_BYTES);
    await blob.uploadPages(randomBytes(sizeBytes), 0, sizeBytes);
    const footer = buildVhdFooter(sizeBytes, randomBytes(16));
    await blob.uploadPages(footer, sizeBytes, VHD_FOOTER_BYTES);
    return blob.url;
  }

  pageBlob(url: string): PageBlobClient {
    const { azurite } = this.azure;
    const credential = new StorageSharedKeyCredential('failback', azurite.keyOf('failback'));
    return new PageBlobClient(url, credential);
  }
}

/** Name of the snapshot of a disk. */
export const snapshotOf = (
  { snapshots }: Pick<SnapshotsTaken, 'snapshots'>,
  diskId: string,
): string => must(snapshots[diskId], `a snapshot of the disk ${diskId}`);

/** A reader that has nothing but the URL. */
export const reader = (url: string): PageBlobClient =>
  new PageBlobClient(url, new AnonymousCredential(), { retryOptions: { maxTries: 1 } });

/** Code of the failure, or `done`. */
export async function outcome(attempt: PromiseLike<unknown>): Promise<string> {
  return Promise.resolve(attempt).then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
}
