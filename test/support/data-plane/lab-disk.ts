import {
  BlobSASPermissions,
  BlobServiceClient,
  type ContainerClient,
  type PageBlobClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { type Azurite, startAzurite } from '../../../local/azurite/start-azurite.ts';
import type { DataAccess } from '../../../shared/contracts/agent-protocol.ts';
import { buildVhdFooter, VHD_FOOTER_BYTES } from '../../../shared/domain/vhd-footer.ts';
import type { Random } from './random.ts';

const ACCOUNT = 'labdisks';
const KEY = Buffer.from('a key of the lab').toString('base64');
const MAX_WRITE_BYTES = 4 * 1024 * 1024;
const SECTOR = 512;

/** Storage that answers as the one behind managed disks does, and a container for disks in it. */
export interface LabStorage {
  readonly azurite: Azurite;
  readonly kind: SourceKind;
  readonly container: ContainerClient;
  stop(): Promise<void>;
}

export type SourceKind = 'managedDisk' | 'pageBlob';

export async function startLabStorage(kind: SourceKind = 'managedDisk'): Promise<LabStorage> {
  const azurite = await startAzurite({
    ports: { blob: 0, queue: 0, table: 0 },
    accounts: [{ name: ACCOUNT, keyBase64: KEY }],
    managedDiskAccounts: kind === 'managedDisk' ? [ACCOUNT] : [],
  });
  const credential = new StorageSharedKeyCredential(ACCOUNT, KEY);
  const service = new BlobServiceClient(azurite.blobUrl(ACCOUNT), credential);
  const container = service.getContainerClient('disks');
  await container.create();
  return { azurite, kind, container, stop: () => azurite.stop() };
}

let count = 0;

/** A disk in Azure: a page blob with the raw disk and a VHD footer, and a model of what it holds. */
export class LabDisk {
  #sizeBytes: number;
  readonly #blob: PageBlobClient;
  readonly #kind: SourceKind;
  #content: Buffer;
  readonly #snapshots = new Map<string, { readonly time: string; readonly content: Buffer }>();

  private constructor(blob: PageBlobClient, kind: SourceKind, sizeBytes: number) {
    this.#blob = blob;
    this.#kind = kind;
    this.#sizeBytes = sizeBytes;
    this.#content = Buffer.alloc(sizeBytes);
  }

  static async create(
    { container, kind }: LabStorage,
    sizeBytes: number,
    footer: Uint8Array = buildVhdFooter(sizeBytes, new Uint8Array(16)),
  ): Promise<LabDisk> {
    const blob = container.getPageBlobClient(`disk-${(count += 1)}.vhd`);
    await blob.create(sizeBytes + VHD_FOOTER_BYTES);
    await blob.uploadPages(footer, sizeBytes, VHD_FOOTER_BYTES);
    return new LabDisk(blob, kind, sizeBytes);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** As somebody does in the portal: what is added is zeros, and the footer lies behind it. */
  async grow(sizeBytes: number): Promise<void> {
    const before = this.#sizeBytes;
    await this.#blob.resize(sizeBytes + VHD_FOOTER_BYTES);
    await this.#blob.clearPages(before, VHD_FOOTER_BYTES);
    const footer = buildVhdFooter(sizeBytes, new Uint8Array(16));
    await this.#blob.uploadPages(footer, sizeBytes, VHD_FOOTER_BYTES);
    this.#content = Buffer.concat([this.#content, Buffer.alloc(sizeBytes - before)]);
    this.#sizeBytes = sizeBytes;
  }

  /** What the disk holds now, by the model. */
  get content(): Buffer {
    return this.#content;
  }

  async write(offset: number, bytes: Buffer): Promise<void> {
    for (let start = 0; start < bytes.length; start += MAX_WRITE_BYTES) {
      const piece = bytes.subarray(start, start + MAX_WRITE_BYTES);
      await this.#blob.uploadPages(piece, offset + start, piece.length);
    }
    bytes.copy(this.#content, offset);
  }

  async clear(offset: number, length: number): Promise<void> {
    await this.#blob.clearPages(offset, length);
    this.#content.fill(0, offset, offset + length);
  }

  /** Some writes and clears anywhere: short ones, long ones, compressible ones and zeros. */
  async change(random: Random, times: number): Promise<void> {
    const sectors = this.sizeBytes / SECTOR;
    for (let done = 0; done < times; done += 1) {
      const longest = random.below(3) === 0 ? 4000 : 40;
      const start = random.below(sectors);
      const length = Math.min(1 + random.below(longest), sectors - start);
      const kind = random.below(5);
      if (kind < 2) await this.clear(start * SECTOR, length * SECTOR);
      else await this.write(start * SECTOR, someBytes(random, kind, length * SECTOR));
    }
  }

  /** Takes a snapshot and returns the name under which commands know it. */
  async snapshot(): Promise<string> {
    const time = (await this.#blob.createSnapshot()).snapshot ?? '';
    const name = `snapshot-${this.#snapshots.size + 1}`;
    this.#snapshots.set(name, { time, content: Buffer.from(this.#content) });
    return name;
  }

  contentOf(name: string): Buffer {
    return this.#known(name).content;
  }

  async deleteSnapshot(name: string): Promise<void> {
    await this.#blob.withSnapshot(this.#known(name).time).delete();
  }

  /** SAS URLs, each with a signature of its own. */
  async access(name: string, baseName?: string): Promise<DataAccess> {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const sourceUrl = await this.#sasUrl(name);
    const access = { sourceKind: this.#kind, sourceUrl, expiresAt };
    if (baseName === undefined) return access;
    return { ...access, baseUrl: await this.#sasUrl(baseName) };
  }

  /** A read and write URL of the blob itself. */
  async replicaUrl(): Promise<string> {
    return this.#blob.generateSasUrl({
      permissions: BlobSASPermissions.parse('rw'),
      expiresOn: new Date(Date.now() + 3_600_000),
    });
  }

  /** What the service holds now. */
  async download(): Promise<Buffer> {
    return this.#blob.downloadToBuffer(0, this.sizeBytes);
  }

  async #sasUrl(name: string): Promise<string> {
    return this.#blob.withSnapshot(this.#known(name).time).generateSasUrl({
      permissions: BlobSASPermissions.parse('r'),
      // Another end each time makes another signature: one can be revoked without the other.
      expiresOn: new Date(Date.now() + 3_600_000 + (count += 1) * 1000),
    });
  }

  #known(name: string): { readonly time: string; readonly content: Buffer } {
    const found = this.#snapshots.get(name);
    if (found === undefined) throw new Error(`No snapshot ${name}`);
    return found;
  }
}

function someBytes(random: Random, kind: number, length: number): Buffer {
  if (kind === 2) return Buffer.alloc(length);
  return kind === 3 ? Buffer.alloc(length, 1 + random.below(255)) : random.bytes(length);
}
