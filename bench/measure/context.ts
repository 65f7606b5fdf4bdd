import type { BenchControlPlane } from '../lab/site.ts';
import type { BenchStorage } from '../lab/storage.ts';

/** What every measurement works with. */
export interface BenchContext {
  readonly control: BenchControlPlane;
  readonly storage: BenchStorage;
  /** Temporary, on the volume that is measured. */
  readonly folder: string;
  /** Says how far it is. */
  readonly note: (text: string) => void;
}

/** Out of 100 stretches of a disk; the others have no data. */
export const MIXED = { random: 40, compressible: 30 } as const;
export const INCOMPRESSIBLE = { random: 100, compressible: 0 } as const;

export const MIB = 1024 ** 2;
export const GIB = 1024 ** 3;
