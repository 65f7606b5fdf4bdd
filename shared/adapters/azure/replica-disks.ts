import { BlobSASPermissions, type PageBlobClient } from '@azure/storage-blob';
import { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import { SNAPSHOT_SAS_SECONDS } from '../../policy/limits.ts';
import type { AccessGrant, ReplicaDisks } from '../../ports/azure.ts';
import type { Clock } from '../../ports/messaging.ts';
import { callAzure, findInAzure } from './azure-error.ts';
import type { ArmClients, StorageClients } from './clients.ts';
import { blobSas } from './sas.ts';

const CONTAINER = 'replicas';

/** Blob metadata names the newest recovery point, so that sealing twice makes one snapshot. */
const POINT_METADATA = 'failbackpoint';

/** Unique id of the managed disk that the replica began as. */
const SEED_METADATA = 'failbackseed';

type SeedState = Awaited<ReturnType<ReplicaDisks['seedState']>>;

/** Replicas are fixed VHDs in page blobs; the newest snapshot of each is the newest recovery point. */
export class BlobReplicaDisks implements ReplicaDisks {
  readonly #storage: StorageClients;
  readonly #arm: ArmClients;
  readonly #clock: Clock;

  constructor(storage: StorageClients, arm: ArmClients, clock: Clock) {
    this.#storage = storage;
    this.#arm = arm;
    this.#clock = clock;
  }

  async beginSeed(request: Parameters<ReplicaDisks['beginSeed']>[0]): Promise<void> {
    const { resourceGroup, diskName, replicaName } = request;
    await callAzure(`copy the disk ${diskName}`, async () => {
      const { uniqueId = '' } = await this.#arm.compute.disks.get(resourceGroup, diskName);
      if (await this.#isSeedOf(uniqueId, replicaName)) return;
      await this.#storage.blobs.getContainerClient(CONTAINER).createIfNotExists();
      const { accessSAS } = await this.#arm.compute.disks.grantAccess(resourceGroup, diskName, {
        access: 'Read',
        durationInSeconds: 24 * SNAPSHOT_SAS_SECONDS,
      });
      if (accessSAS === undefined) {
        const values = { operation: diskName, code: 'NoAccess', detail: 'no SAS was returned' };
        throw new FailbackError('FB-AZ-002', values);
      }
      // Replicas of an earlier failback are in the way of the copy, with their snapshots.
      await this.#blob(replicaName).deleteIfExists({ deleteSnapshots: 'include' });
      const metadata = { [SEED_METADATA]: uniqueId };
      await this.#blob(replicaName).beginCopyFromURL(accessSAS, { metadata });
    });
  }

  async seedState(replicaName: string): Promise<SeedState> {
    const properties = await findInAzure(`read the replica ${replicaName}`, () =>
      this.#blob(replicaName).getProperties(),
    );
    const [copied = 0, total = 0] = (properties?.copyProgress ?? '').split('/').map(Number);
    const figures = { copiedBytes: copied, totalBytes: total, detail: '' };
    switch (properties?.copyStatus) {
      case 'success':
        return { ...figures, state: 'done' };
      case 'failed':
      case 'aborted': {
        const detail = properties.copyStatusDescription ?? properties.copyStatus;
        return { ...figures, state: 'failed', detail };
      }
      default:
        return { ...figures, state: 'pending' };
    }
  }

  async endSeed(resourceGroup: string, diskName: string): Promise<void> {
    await findInAzure(`close the disk ${diskName}`, () =>
      this.#arm.compute.disks.revokeAccess(resourceGroup, diskName),
    );
  }

  async grantWrite(replicaName: string): Promise<AccessGrant> {
    const expiresAt = new Date(this.#clock.now().getTime() + SNAPSHOT_SAS_SECONDS * 1000);
    const url = await callAzure(`open the replica ${replicaName}`, () =>
      blobSas(this.#storage.blobs, {
        container: CONTAINER,
        blob: replicaName,
        permissions: BlobSASPermissions.parse('rw'),
        startsAt: new Date(this.#clock.now().getTime() - 5 * 60_000),
        expiresAt,
      }),
    );
    return { url: new Secret(url), expiresAt };
  }

  async seal(replicaName: string, pointId: string): Promise<void> {
    await callAzure(`seal the replica ${replicaName}`, async () => {
      const blob = this.#blob(replicaName);
      const { metadata } = await blob.getProperties();
      if (metadata?.[POINT_METADATA] === pointId) return;
      await blob.createSnapshot({ metadata: { [POINT_METADATA]: pointId } });
      await blob.setMetadata({ ...metadata, [POINT_METADATA]: pointId });
    });
  }

  /** A copy of this very disk that runs or is done; one of an earlier disk of the same name is not. */
  async #isSeedOf(uniqueId: string, replicaName: string): Promise<boolean> {
    const properties = await findInAzure(`read the replica ${replicaName}`, () =>
      this.#blob(replicaName).getProperties(),
    );
    const isUsable = properties?.copyStatus === 'success' || properties?.copyStatus === 'pending';
    return isUsable && properties.metadata?.[SEED_METADATA] === uniqueId;
  }

  #blob(replicaName: string): PageBlobClient {
    return this.#storage.blobs.getContainerClient(CONTAINER).getPageBlobClient(replicaName);
  }
}
