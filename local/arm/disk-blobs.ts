import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import {
  BlobSASPermissions,
  BlobServiceClient,
  type ContainerClient,
  type PageBlobClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { buildVhdFooter, VHD_FOOTER_BYTES } from '../../shared/domain/vhd-footer.ts';
import type { Azurite } from '../azurite/start-azurite.ts';

const PUT_BYTES = 4 * 1024 * 1024;

/** Managed disks as page blobs: the raw disk and after it the footer of a fixed VHD. */
export class DiskBlobs {
  readonly #azurite: Azurite;
  readonly #container: ContainerClient;

  constructor(azurite: Azurite, account: string) {
    this.#azurite = azurite;
    const credential = new StorageSharedKeyCredential(account, azurite.keyOf(account));
    const service = new BlobServiceClient(azurite.blobUrl(account), credential);
    this.#container = service.getContainerClient('disks');
  }

  async prepare(): Promise<void> {
    await this.#container.createIfNotExists();
  }

  blob(uniqueId: string): PageBlobClient {
    return this.#container.getPageBlobClient(`${uniqueId}.vhd`);
  }

  async create(uniqueId: string, sizeBytes: number): Promise<void> {
    const blob = this.blob(uniqueId);
    await blob.create(sizeBytes + VHD_FOOTER_BYTES);
    const footer = buildVhdFooter(sizeBytes, randomBytes(16));
    await blob.uploadPages(footer, sizeBytes, VHD_FOOTER_BYTES);
  }

  /** Fills a disk from a raw image; stretches of zeros stay unwritten. */
  async fill(uniqueId: string, imageFile: string): Promise<void> {
    const blob = this.blob(uniqueId);
    const file = await open(imageFile, 'r');
    try {
      const buffer = Buffer.alloc(PUT_BYTES);
      for (let offset = 0; ;) {
        const { bytesRead } = await file.read(buffer, 0, PUT_BYTES, offset);
        if (bytesRead === 0) break;
        await uploadNonZero(blob, buffer.subarray(0, bytesRead), offset);
        offset += bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  async snapshot(uniqueId: string): Promise<string> {
    return (await this.blob(uniqueId).createSnapshot()).snapshot ?? '';
  }

  async copyFrom(uniqueId: string, sourceUrl: string): Promise<void> {
    const poller = await this.blob(uniqueId).beginCopyFromURL(sourceUrl);
    await poller.pollUntilDone();
  }

  async deleteSnapshot(uniqueId: string, blobSnapshot: string): Promise<void> {
    await this.blob(uniqueId).withSnapshot(blobSnapshot).deleteIfExists();
  }

  async delete(uniqueId: string): Promise<void> {
    await this.blob(uniqueId).deleteIfExists({ deleteSnapshots: 'include' });
  }

  /** `r` for a disk or one of its snapshots, `rw` for an upload. */
  async grant(
    uniqueId: string,
    request: { permissions: 'r' | 'rw'; expiresAt: Date; blobSnapshot?: string },
  ): Promise<string> {
    const blob = this.blob(uniqueId);
    const target =
      request.blobSnapshot === undefined ? blob : blob.withSnapshot(request.blobSnapshot);
    return target.generateSasUrl({
      permissions: BlobSASPermissions.parse(request.permissions),
      expiresOn: request.expiresAt,
      // Makes each grant a URL of its own, so that one can be revoked without the others.
      cacheControl: randomBytes(6).toString('hex'),
    });
  }

  revoke(sasUrl: string): void {
    this.#azurite.blobFront.revoke(sasUrl);
  }
}

async function uploadNonZero(blob: PageBlobClient, bytes: Buffer, offset: number): Promise<void> {
  const blockBytes = 64 * 1024;
  for (let start = 0; start < bytes.length; start += blockBytes) {
    const block = bytes.subarray(start, start + blockBytes);
    if (block.some((byte) => byte !== 0)) {
      await blob.uploadPages(block, offset + start, block.length);
    }
  }
}
