import { BlobSASPermissions, type PageBlobClient } from '@azure/storage-blob';
import { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import { SNAPSHOT_SAS_SECONDS } from '../../policy/limits.ts';
import type { AccessGrant, ReplicaDisks } from '../../ports/azure.ts';
import type { Clock } from '../../ports/messaging.ts';
import { callAzure, findInAzure } from './azure-error.ts';
import type { ArmClients, StorageClients } from './clients.ts';
import type { BlobHandle } from './page-blob-snapshots.ts';
import { PageBlobs } from './page-blobs.ts';
import { blobSas } from './sas.ts';
import { parseName } from './snapshot-name.ts';

const CONTAINER = 'replicas';

/** Blob metadata names the newest recovery point, so that sealing twice makes one snapshot. */
const POINT_METADATA = 'failbackpoint';

/** The snapshot that the replica began as; its name is that of one job, or the instant of a blob. */
const SEED_METADATA = 'failbackseed';

/** The copy on the server may take a day. */
const SEED_SAS_SECONDS = 24 * SNAPSHOT_SAS_SECONDS;

type SeedRequest = Parameters<ReplicaDisks['beginSeed']>[0];
type SeedState = Awaited<ReturnType<ReplicaDisks['seedState']>>;

/** Replicas are fixed VHDs in page blobs; the newest snapshot of each is the newest recovery point. */
export class BlobReplicaDisks implements ReplicaDisks {
  readonly #storage: StorageClients;
  readonly #arm: ArmClients;
  readonly #clock: Clock;
  readonly #sources: PageBlobs;

  constructor(storage: StorageClients, arm: ArmClients, clock: Clock) {
    this.#storage = storage;
    this.#arm = arm;
    this.#clock = clock;
    this.#sources = new PageBlobs(storage.blobs);
  }

  async beginSeed({ resourceGroup, snapshotName, replicaName }: SeedRequest): Promise<void> {
    const identity = encodeURIComponent(snapshotName);
    await callAzure(`copy the snapshot ${snapshotName}`, async () => {
      if (await this.#isSeedOf(identity, replicaName)) return;
      await this.#storage.blobs.getContainerClient(CONTAINER).createIfNotExists();
      const source = await this.#open(resourceGroup, snapshotName);
      // Replicas of an earlier failback are in the way of the copy, with their snapshots.
      await this.#blob(replicaName).deleteIfExists({ deleteSnapshots: 'include' });
      const metadata = { [SEED_METADATA]: identity };
      await this.#blob(replicaName).beginCopyFromURL(source, { metadata });
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

  /** A URL to copy the snapshot from. Access ends when the snapshots are pruned, behind the deletion of the VM. */
  async #open(resourceGroup: string, snapshotName: string): Promise<string> {
    const handle = parseName(snapshotName);
    if (handle.kind === 'blob') return this.#openBlob(handle);
    const access = { access: 'Read', durationInSeconds: SEED_SAS_SECONDS } as const;
    const { snapshots, diskRestorePoint } = this.#arm.compute;
    const { accessSAS } =
      handle.kind === 'snapshot'
        ? await snapshots.grantAccess(resourceGroup, handle.name, access)
        : await diskRestorePoint.grantAccess(
            resourceGroup,
            handle.collection,
            handle.point,
            handle.disk,
            access,
          );
    if (accessSAS !== undefined) return accessSAS;
    const values = { operation: snapshotName, code: 'NoAccess', detail: 'no SAS was returned' };
    throw new FailbackError('FB-AZ-002', values);
  }

  async #openBlob({ url, snapshot }: BlobHandle): Promise<string> {
    const { service, container, name } = this.#sources.at(url);
    const now = this.#clock.now().getTime();
    return blobSas(service, {
      container,
      blob: name,
      snapshot,
      permissions: BlobSASPermissions.parse('r'),
      startsAt: new Date(now - 5 * 60_000),
      expiresAt: new Date(now + SEED_SAS_SECONDS * 1000),
    });
  }

  /** A copy of this very snapshot that runs or is done; one of an earlier failback is not. */
  async #isSeedOf(identity: string, replicaName: string): Promise<boolean> {
    const properties = await findInAzure(`read the replica ${replicaName}`, () =>
      this.#blob(replicaName).getProperties(),
    );
    const isUsable = properties?.copyStatus === 'success' || properties?.copyStatus === 'pending';
    return isUsable && properties.metadata?.[SEED_METADATA] === identity;
  }

  #blob(replicaName: string): PageBlobClient {
    return this.#storage.blobs.getContainerClient(CONTAINER).getPageBlobClient(replicaName);
  }
}
