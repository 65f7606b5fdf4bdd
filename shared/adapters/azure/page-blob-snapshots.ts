import { BlobSASPermissions } from '@azure/storage-blob';
import { RestError } from '@azure/core-rest-pipeline';
import { Secret } from '../../domain/secret.ts';
import { VHD_FOOTER_BYTES } from '../../domain/vhd-footer.ts';
import { SNAPSHOT_SAS_SECONDS } from '../../policy/limits.ts';
import type { AccessGrant, SnapshotRequest } from '../../ports/azure.ts';
import type { Clock } from '../../ports/messaging.ts';
import { callAzure, findInAzure } from './azure-error.ts';
import { resizeText } from './base-chain.ts';
import { type PageBlob, type PageBlobs } from './page-blobs.ts';
import { blobSas } from './sas.ts';
import type { SnapshotHandle } from './snapshot-name.ts';

/** Metadata of a blob snapshot: whose it is and which point. Names of metadata are C# identifiers. */
const [ITEM_METADATA, POINT_METADATA] = ['failbackitem', 'failbacksourcepoint'];

export type BlobHandle = Extract<SnapshotHandle, { kind: 'blob' }>;

/** Answers of Get Page Ranges that say that the base is of no use. */
const REFUSALS: Readonly<Record<string, string>> = {
  BlobOverwritten: 'the disk was recreated since the base snapshot',
  PreviousSnapshotNotFound: 'the base snapshot is gone',
  PreviousSnapshotCannotBeNewer: 'the base snapshot is newer than this one',
  PreviousSnapshotOperationNotSupported: 'the base snapshot cannot be compared',
};

interface FoundSnapshot {
  readonly handle: BlobHandle;
  readonly pointId: string;
}

interface TakenBlob {
  readonly handle: BlobHandle;
  readonly takenAt: Date;
  /** Of the disk, without the footer behind it. */
  readonly sizeBytes: number | undefined;
}

/** Blob snapshots of page blobs that serve as disks. Access ends by itself: a SAS of a blob has no revoke. */
export class PageBlobSnapshots {
  readonly #blobs: PageBlobs;
  readonly #clock: Clock;

  constructor(blobs: PageBlobs, clock: Clock) {
    this.#blobs = blobs;
    this.#clock = clock;
  }

  async take(request: SnapshotRequest, disk: SnapshotRequest['disks'][number]): Promise<TakenBlob> {
    const { itemId, pointId } = request;
    const { diskName: url } = disk;
    return callAzure(`take a snapshot of ${url}`, async () => {
      const known = await this.#listOfItem(url, itemId);
      const existing = known.find((each) => each.pointId === pointId);
      if (existing !== undefined) return this.#taken(existing.handle);
      const metadata = { [ITEM_METADATA]: itemId, [POINT_METADATA]: pointId };
      const { snapshot = '' } = await this.#blobs.at(url).client.createSnapshot({ metadata });
      return this.#taken({ kind: 'blob', url, snapshot });
    });
  }

  /** Read access; `null` when the snapshot is gone. */
  async grantRead({ url, snapshot }: BlobHandle): Promise<AccessGrant | null> {
    const { service, container, name, client } = this.#blobs.at(url);
    const startedAt = this.#clock.now().getTime();
    const expiresAt = new Date(startedAt + SNAPSHOT_SAS_SECONDS * 1000);
    return findInAzure(`open a snapshot of ${url}`, async () => {
      await client.withSnapshot(snapshot).getProperties();
      const signed = await blobSas(service, {
        container,
        blob: name,
        snapshot,
        permissions: BlobSASPermissions.parse('r'),
        startsAt: new Date(startedAt - 5 * 60_000),
        expiresAt,
      });
      return { url: new Secret(signed), expiresAt };
    });
  }

  /** Asks the service itself, which knows whether the blob was written over; `null` = nothing against it. */
  async refusalOfBase(current: BlobHandle, base: BlobHandle): Promise<string | null> {
    const { client } = this.#blobs.at(current.url);
    return callAzure(`compare snapshots of ${current.url}`, async () => {
      const [is, was] = await Promise.all([
        sizeOf(this.#blobs.at(current.url), current.snapshot),
        sizeOf(this.#blobs.at(base.url), base.snapshot),
      ]);
      if (was === null) return 'the base snapshot is gone';
      if (is !== null && is !== was) return resizeText(is, was);
      if (base.snapshot > current.snapshot) return 'the base snapshot is newer than this one';
      try {
        await client.withSnapshot(current.snapshot).getPageRangesDiff(0, 512, base.snapshot);
        return null;
      } catch (error) {
        const code = error instanceof RestError ? (error.code ?? '') : '';
        const refusal = REFUSALS[code];
        if (refusal === undefined) throw error;
        return refusal;
      }
    });
  }

  /** Deletes the item's snapshots of these blobs that are not named. */
  async prune(
    urls: readonly string[],
    itemId: string,
    keep: readonly BlobHandle[],
  ): Promise<number> {
    let deleted = 0;
    for (const url of urls) {
      await findInAzure(`delete snapshots of ${url}`, async () => {
        for (const { handle } of await this.#listOfItem(url, itemId)) {
          const isKept = keep.some((each) => each.url === url && each.snapshot === handle.snapshot);
          if (isKept) continue;
          await this.#blobs.at(url).client.withSnapshot(handle.snapshot).deleteIfExists();
          deleted += 1;
        }
      });
    }
    return deleted;
  }

  /** The id of a blob snapshot is the time at which it was taken. */
  async #taken(handle: BlobHandle): Promise<TakenBlob> {
    const bytes = await sizeOf(this.#blobs.at(handle.url), handle.snapshot);
    const sizeBytes = bytes === null ? undefined : bytes - VHD_FOOTER_BYTES;
    return { handle, takenAt: new Date(handle.snapshot), sizeBytes };
  }

  async #listOfItem(url: string, itemId: string): Promise<readonly FoundSnapshot[]> {
    const { service, container, name } = this.#blobs.at(url);
    const found: FoundSnapshot[] = [];
    const all = service.getContainerClient(container).listBlobsFlat({
      prefix: name,
      includeSnapshots: true,
      includeMetadata: true,
    });
    for await (const { name: blobName, snapshot, metadata } of all) {
      if (blobName !== name || snapshot === undefined || snapshot === '') continue;
      if (metadata?.[ITEM_METADATA] !== itemId) continue;
      const pointId = metadata[POINT_METADATA] ?? '';
      found.push({ handle: { kind: 'blob', url, snapshot }, pointId });
    }
    return found;
  }
}

async function sizeOf({ client }: PageBlob, snapshot: string): Promise<number | null> {
  const properties = await findInAzure('read a snapshot', async () =>
    client.withSnapshot(snapshot).getProperties(),
  );
  return properties?.contentLength ?? null;
}
