import { randomUUID } from 'node:crypto';

/** Randomness from outside, so that a run can be repeated from a seed. */
export interface Random {
  uuid(): string;
}

export const systemRandom: Random = { uuid: () => randomUUID() };

/** Repeatable ids for tests; not random at all. */
export function countingRandom(): Random {
  let count = 0;
  return {
    uuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`,
  };
}
