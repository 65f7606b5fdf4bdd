import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 1024 * 1024;

/** A volume of a few MiB of memory, and something else on it that takes its room. */
export class SmallVolume {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static mount(folder: string, sizeMib: number): SmallVolume {
    const options = ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', folder];
    execFileSync('mount', options);
    return new SmallVolume(folder);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#folder);
    return bavail * bsize;
  }

  /** Somebody takes all but so much. */
  leave(freeBytes: number): void {
    this.release();
    writeFileSync(this.#ballast, Buffer.alloc(this.freeBytes - freeBytes));
  }

  release(): void {
    rmSync(this.#ballast, { force: true });
  }

  grow(sizeMib: number): void {
    execFileSync('mount', ['-o', `remount,size=${sizeMib}m`, this.#folder]);
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.#folder]);
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast');
  }
}

export const mib = (count: number): number => count * MIB;
