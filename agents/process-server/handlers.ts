import type { CommandHandlers } from '../runtime/types.ts';
import { replicateDisk, type Transport } from './replicate-disk.ts';

/** The commands of the process server. */
export function createProcessServerHandlers(transport: Transport): CommandHandlers {
  return {
    replicateDisk: (input, context) => replicateDisk(transport, input, context),
  };
}
