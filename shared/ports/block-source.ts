import type { PageRange } from '../domain/page-ranges.ts';

/** The base of a delta cannot be used; everything has to be compared or copied. `reason` is for people. */
export class BaseUnusable extends Error {
  override readonly name = 'BaseUnusable';
}

/** One disk at one instant. */
export interface BlockSource {
  /** Checks that the disk has the expected size. Throws FB-DATA-002 or FB-DATA-003. */
  open(sizeBytes: number): Promise<void>;
  /**
   * Changed ranges since the base in order, or with `isDelta: false` what holds data. Never all in memory.
   * Throws BaseUnusable when the base is gone, newer, or of another disk.
   */
  ranges(request: {
    readonly from: number;
    readonly to: number;
    readonly isDelta: boolean;
  }): AsyncIterable<PageRange>;
  read(offset: number, length: number): Promise<Buffer>;
  /** Whether a base can be read, and if not, why. */
  base(): Promise<{ readonly isThere: boolean; readonly refusal: string | undefined }>;
}
