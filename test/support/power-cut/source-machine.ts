import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import type { Random } from '../data-plane/random.ts';
import { must } from '../must.ts';
import { comparison, type Contents, delta, firstCopy, type Transfer } from './transfer.ts';

export const SIZES: Readonly<Record<string, number>> = {
  os: 2 * BLOCK_BYTES + 1536,
  data: BLOCK_BYTES + 4096,
};
/** Of a new disk only what is not zero is sent. */
export const BLANK_DISK = 'data';
export const DISK_IDS = Object.keys(SIZES);

/** The machine that is protected: its disks change between two points. */
export class SourceMachine {
  readonly #random: Random;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What lies at home before anything was sent: stale bytes and zeros in turn, or nothing yet. */
  firstContents(): Contents {
    const contentOf = (diskId: string): Buffer => {
      const sizeBytes = must(SIZES[diskId], diskId);
      if (diskId === BLANK_DISK) return Buffer.alloc(sizeBytes);
      return this.#random.bytes(sizeBytes).fill(0, BLOCK_BYTES);
    };
    return new Map(DISK_IDS.map((diskId) => [diskId, contentOf(diskId)]));
  }

  /** The next point of these disks. `newest`: what the disks hold at home. */
  next(diskIds: readonly string[], newest: Contents, isFirst: boolean): Transfer {
    this.#count += 1;
    const disks = diskIds.map((diskId) => {
      const old = must(newest.get(diskId), diskId);
      const changes = delta(diskId, old, this.#random);
      if (this.#count === 1 && diskId === BLANK_DISK) return firstCopy(diskId, changes.next);
      const isCompared = isFirst || this.#random.below(3) === 0;
      return isCompared ? comparison(diskId, changes.next) : changes;
    });
    const contents = new Map(newest);
    for (const { diskId, next } of disks) contents.set(diskId, next);
    return { point: { pointId: `point-${this.#count}`, contents }, disks };
  }
}
