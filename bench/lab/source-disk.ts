import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { BlobSASPermissions, type PageBlobClient } from '@azure/storage-blob';
import { buildVhdFooter, VHD_FOOTER_BYTES } from '../../shared/domain/vhd-footer.ts';
import { Random } from '../../test/support/data-plane/random.ts';
import {
  CONTENT_UNIT_BYTES,
  type ContentKind,
  contentOf,
  versionOf,
  ZERO_VERSION,
} from './content.ts';
import type { BenchStorage } from './storage.ts';

const MIB = 1024 ** 2;
/** Stretches of one kind: of the first content, and of a change. */
const FILL_RUN_UNITS = MIB / CONTENT_UNIT_BYTES;
const CHANGE_RUN_UNITS = 4;
const PARALLEL_WRITES = 4;
const SAS_MS = 12 * 3_600_000;

/** Out of 100 stretches; what is left stays without data. */
export interface Mix {
  readonly random: number;
  readonly compressible: number;
}

interface Run {
  readonly unit: number;
  readonly count: number;
}

/** A managed disk in the lab's storage whose content can be told at any time without keeping it. */
export class SourceDisk {
  readonly sizeBytes: number;
  readonly #blob: PageBlobClient;
  readonly #versions: Uint16Array;
  readonly #random: Random;
  #generation = 0;

  private constructor(blob: PageBlobClient, sizeBytes: number) {
    this.#blob = blob;
    this.sizeBytes = sizeBytes;
    this.#versions = new Uint16Array(sizeBytes / CONTENT_UNIT_BYTES);
    this.#random = new Random(sizeBytes / MIB);
  }

  static async create(
    { container }: BenchStorage,
    name: string,
    sizeBytes: number,
  ): Promise<SourceDisk> {
    const blob = container.getPageBlobClient(`${name}.vhd`);
    await blob.create(sizeBytes + VHD_FOOTER_BYTES);
    const footer = buildVhdFooter(sizeBytes, new Uint8Array(16));
    await blob.uploadPages(footer, sizeBytes, VHD_FOOTER_BYTES);
    return new SourceDisk(blob, sizeBytes);
  }

  /** Bytes of the disk that are not zeros. */
  get dataBytes(): number {
    return this.#versions.filter((version) => version !== ZERO_VERSION).length * CONTENT_UNIT_BYTES;
  }

  /** The first content: stretches of 1 MiB, spread over the whole disk. */
  async writeFirst(mix: Mix): Promise<void> {
    await this.#write(
      this.#runs(FILL_RUN_UNITS, () => true),
      mix,
    );
  }

  /** Writes a share of the disk anew, in stretches of 256 KiB; returns the bytes that were written. */
  async change(share: number, mix: Mix): Promise<number> {
    const all = this.#versions.length / CHANGE_RUN_UNITS;
    const wanted = Math.max(1, Math.round(all * share));
    const chosen = new Set<number>();
    while (chosen.size < wanted) chosen.add(this.#random.below(all) * CHANGE_RUN_UNITS);
    await this.#write(
      this.#runs(CHANGE_RUN_UNITS, (unit) => chosen.has(unit)),
      mix,
    );
    return wanted * CHANGE_RUN_UNITS * CONTENT_UNIT_BYTES;
  }

  /** Takes a snapshot; returns a function that makes SAS URLs of it. */
  async snapshot(): Promise<() => Promise<string>> {
    const time = (await this.#blob.createSnapshot()).snapshot ?? '';
    return () =>
      this.#blob.withSnapshot(time).generateSasUrl({
        permissions: BlobSASPermissions.parse('r'),
        expiresOn: new Date(Date.now() + SAS_MS),
      });
  }

  sha256(): string {
    const hash = createHash('sha256');
    for (const [unit, version] of this.#versions.entries()) hash.update(contentOf(unit, version));
    return hash.digest('hex');
  }

  /** Compares a file with what the disk holds, all of it. Throws where they differ. */
  async assertEqual(file: string): Promise<void> {
    const handle = await open(file, 'r');
    try {
      const buffer = Buffer.alloc(FILL_RUN_UNITS * CONTENT_UNIT_BYTES);
      for (let start = 0; start < this.sizeBytes; start += buffer.length) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
        this.#assertUnits(buffer.subarray(0, bytesRead), start, file);
      }
    } finally {
      await handle.close();
    }
  }

  async delete(): Promise<void> {
    await this.#blob.delete({ deleteSnapshots: 'include' });
  }

  #assertUnits(bytes: Buffer, start: number, file: string): void {
    const end = Math.min(this.sizeBytes, start + FILL_RUN_UNITS * CONTENT_UNIT_BYTES);
    for (let offset = start; offset < end; offset += CONTENT_UNIT_BYTES) {
      const unit = offset / CONTENT_UNIT_BYTES;
      const found = bytes.subarray(offset - start, offset - start + CONTENT_UNIT_BYTES);
      if (!found.equals(contentOf(unit, this.#versions[unit] ?? ZERO_VERSION))) {
        throw new Error(`The target ${file} differs from its source at byte ${offset}.`);
      }
    }
  }

  #runs(count: number, isChosen: (unit: number) => boolean): readonly Run[] {
    const runs: Run[] = [];
    for (let unit = 0; unit < this.#versions.length; unit += count) {
      if (isChosen(unit)) runs.push({ unit, count });
    }
    return runs;
  }

  async #write(runs: readonly Run[], mix: Mix): Promise<void> {
    this.#generation += 1;
    const work = runs.map((run) => ({ run, kind: this.#kind(mix) }));
    const writers = Array.from({ length: PARALLEL_WRITES }, async () => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) {
        if (next.kind !== null) await this.#writeRun(next.run, next.kind);
      }
    });
    await Promise.all(writers);
  }

  async #writeRun({ unit, count }: Run, kind: ContentKind): Promise<void> {
    const version = versionOf(this.#generation, kind);
    const pieces = Array.from({ length: count }, (_, index) => contentOf(unit + index, version));
    const bytes = Buffer.concat(pieces);
    await this.#blob.uploadPages(bytes, unit * CONTENT_UNIT_BYTES, bytes.length);
    this.#versions.fill(version, unit, unit + count);
  }

  #kind({ random, compressible }: Mix): ContentKind | null {
    const draw = this.#random.below(100);
    if (draw < random) return 'random';
    return draw < random + compressible ? 'compressible' : null;
  }
}
