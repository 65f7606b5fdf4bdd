import type { PageBlobClient } from '@azure/storage-blob';

const SECTOR = 512;
const MAX_WRITE_SECTORS = 64;
const RECORD_TEXT = 'clean shutdown';

/** Sectors at the start of the region: the record of a clean shutdown, and the guest's counter. */
const RESERVED_SECTORS = 2;
export const COUNTER_OFFSET = SECTOR;

export interface WorkloadDisk {
  readonly blob: PageBlobClient;
  readonly sizeBytes: number;
  readonly writableFrom: number;
}

/**
 * What the guest of a running VM does: it keeps writing to its disks, some of it compressible, some not,
 * and now and then gives space back. A graceful shutdown leaves a record behind.
 */
export class GuestWorkload {
  readonly #disks: readonly WorkloadDisk[];
  readonly #pauseMs: number;
  #state: number;
  #isRunning = true;
  #loop: Promise<void> = Promise.resolve();
  /** The last of those that write or hold writes, one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(disks: readonly WorkloadDisk[], pauseMs: number, seed: number) {
    this.#disks = disks.filter(({ sizeBytes, writableFrom }) => writableFrom < sizeBytes);
    this.#pauseMs = pauseMs;
    this.#state = seed >>> 0 || 1;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(isGraceful: boolean): Promise<void> {
    this.#isRunning = false;
    await this.#loop;
    if (!isGraceful) return;
    for (const { blob, writableFrom } of this.#disks) {
      const record = Buffer.alloc(SECTOR);
      record.write(`${RECORD_TEXT} ${new Date().toISOString()}`);
      await blob.uploadPages(record, writableFrom, SECTOR);
    }
  }

  /** Runs `work` while nothing is written; a round of writes is on the disks entirely or not at all. */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work);
    this.#turn = run.catch(() => undefined);
    return run;
  }

  async #run(): Promise<void> {
    while (this.#isRunning && this.#disks.length > 0) {
      try {
        await this.hold(async () => this.#writeRound());
      } catch (error) {
        // The storage of a lab that stops answers no more; a disk that is gone needs no writes.
        if (this.#isRunning && !isGone(error)) throw error;
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
    }
  }

  /** A transaction over all disks, as of a database, and one write somewhere. */
  async #writeRound(): Promise<void> {
    this.#count += 1;
    for (const { blob, writableFrom } of this.#disks) {
      const record = Buffer.alloc(SECTOR);
      record.write(`transaction ${this.#count}`);
      await blob.uploadPages(record, writableFrom + COUNTER_OFFSET, SECTOR);
    }
    await this.#writeOnce();
  }

  async #writeOnce(): Promise<void> {
    const disk = this.#disks[this.#next(this.#disks.length)];
    if (disk === undefined) return;
    const { blob, sizeBytes, writableFrom } = disk;
    const sectors = 1 + this.#next(MAX_WRITE_SECTORS);
    const first = writableFrom / SECTOR + RESERVED_SECTORS;
    const count = sizeBytes / SECTOR - first - sectors;
    if (count <= 0) return;
    const offset = (first + this.#next(count)) * SECTOR;
    if (this.#next(10) === 0) {
      await blob.clearPages(offset, sectors * SECTOR);
    } else {
      await blob.uploadPages(this.#bytes(sectors * SECTOR), offset, sectors * SECTOR);
    }
  }

  #bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    if (this.#next(2) === 0) {
      bytes.fill(`log line ${this.#next(1_000_000)} `);
      return bytes;
    }
    for (let index = 0; index < length; index += 4) bytes.writeUInt32LE(this.#advance(), index);
    return bytes;
  }

  #next(limit: number): number {
    return this.#advance() % limit;
  }

  /** xorshift32: repeatable, which Math.random is not. */
  #advance(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }
}

function isGone(error: unknown): boolean {
  const isObject = typeof error === 'object' && error !== null;
  const code = isObject && 'code' in error ? error.code : undefined;
  return code === 'BlobNotFound' || code === 'REQUEST_SEND_ERROR' || code === 'ECONNREFUSED';
}
