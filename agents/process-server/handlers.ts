import type { CommandHandlers } from '../runtime/types.ts';
import { replicateDisk, type ReplicateParts } from './replicate-disk.ts';

/** The commands of the process server. */
export function createProcessServerHandlers(parts: ReplicateParts): CommandHandlers {
  return {
    replicateDisk: (input, context) => replicateDisk(parts, input, context),
  };
}
