import { BlobSASPermissions, type PageBlobClient } from '@azure/storage-blob';
import { Secret } from '../../domain/secret.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import { SNAPSHOT_SAS_SECONDS } from '../../policy/limits.ts';
import type { AccessGrant, ReplicaDisks } from '../../ports/azure.ts';
import type { Clock } from '../../ports/messaging.ts';
import { callAzure, findInAzure } from './azure-error.ts';
import type { ArmClients, StorageClients } from './clients.ts';
import { PageBlobs } from './page-blobs.ts';
import { blobSas } from './sas.ts';
import { parseName, type SnapshotHandle } from './snapshot-name.ts';

const CONTAINER = 'replicas';

/** Blob metadata names the newest recovery point, so that sealing twice makes one snapshot. */
const POINT_METADATA = 'failbackpoint';

/** Unique id of the managed disk that the replica began as; of a page blob its URL and age. */
const SEED_METADATA = 'failbackseed';

/** The copy on the server may take a day. */
const SEED_SAS_SECONDS = 24 * SNAPSHOT_SAS_SECONDS;

interface SeedSource {
  readonly identity: string;
  readonly open: () => Promise<string>;
}

type SeedRequest = Parameters<ReplicaDisks['beginSeed']>[0];
type EndSeedRequest = Parameters<ReplicaDisks['endSeed']>[0];
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

  async beginSeed(request: SeedRequest): Promise<void> {
    const { diskName, replicaName } = request;
    await callAzure(`copy the disk ${diskName}`, async () => {
      const { identity, open } = await this.#seedSource(request);
      if (await this.#isSeedOf(identity, replicaName)) return;
      await this.#storage.blobs.getContainerClient(CONTAINER).createIfNotExists();
      const source = await open();
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

  async endSeed({ resourceGroup, diskName, kind }: EndSeedRequest): Promise<void> {
    // A SAS of a page blob ends by itself.
    if (kind === 'pageBlob') return;
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

  /** Which incarnation of the disk or snapshot this is, and how to get a URL to copy from. */
  async #seedSource({
    resourceGroup,
    diskName,
    kind,
    snapshotName,
  }: SeedRequest): Promise<SeedSource> {
    const handle = snapshotName === undefined ? null : parseName(snapshotName);
    const suffix = snapshotName === undefined ? '' : `@${encodeURIComponent(snapshotName)}`;
    if (kind === 'pageBlob') return this.#blobSource(diskName, handle, suffix);
    const { disks } = this.#arm.compute;
    const access = { access: 'Read', durationInSeconds: SEED_SAS_SECONDS } as const;
    const { uniqueId = '' } = await disks.get(resourceGroup, diskName);
    const open = async (): Promise<string> => {
      const { accessSAS } =
        handle === null
          ? await disks.grantAccess(resourceGroup, diskName, access)
          : await this.#grantSnapshot(resourceGroup, handle);
      if (accessSAS !== undefined) return accessSAS;
      const values = { operation: diskName, code: 'NoAccess', detail: 'no SAS was returned' };
      throw new FailbackError('FB-AZ-002', values);
    };
    return { identity: `${uniqueId}${suffix}`, open };
  }

  async #blobSource(
    url: string,
    handle: SnapshotHandle | null,
    suffix: string,
  ): Promise<SeedSource> {
    const { service, container, name, client } = this.#sources.at(url);
    const { createdOn } = await client.getProperties();
    const now = this.#clock.now().getTime();
    const open = async (): Promise<string> =>
      blobSas(service, {
        container,
        blob: name,
        ...(handle?.kind === 'blob' ? { snapshot: handle.snapshot } : {}),
        permissions: BlobSASPermissions.parse('r'),
        startsAt: new Date(now - 5 * 60_000),
        expiresAt: new Date(now + SEED_SAS_SECONDS * 1000),
      });
    const identity = `${encodeURIComponent(url)}@${createdOn?.toISOString() ?? ''}${suffix}`;
    return { identity, open };
  }

  /** Access ends when the snapshots are pruned, behind the deletion of the VM. */
  async #grantSnapshot(
    resourceGroup: string,
    handle: SnapshotHandle,
  ): Promise<{ readonly accessSAS?: string }> {
    const access = { access: 'Read', durationInSeconds: SEED_SAS_SECONDS } as const;
    const { snapshots, diskRestorePoint } = this.#arm.compute;
    if (handle.kind === 'snapshot') {
      return snapshots.grantAccess(resourceGroup, handle.name, access);
    }
    if (handle.kind === 'blob') return {};
    const { collection, point, disk } = handle;
    return diskRestorePoint.grantAccess(resourceGroup, collection, point, disk, access);
  }

  /** A copy of this very disk that runs or is done; one of an earlier disk of the same name is not. */
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
