import type { CommandHandlers } from '../runtime/types.ts';
import { success } from '../../shared/errors/result.ts';
import { describeProcessServer, type ProcessServerPlace } from './describe.ts';
import { replicateDisk, type ReplicateParts } from './replicate-disk.ts';

/** The commands of the process server. */
export function createProcessServerHandlers(
  parts: ReplicateParts & { readonly place: ProcessServerPlace },
): CommandHandlers {
  return {
    describeProcessServer: async (input) =>
      success(await describeProcessServer(parts.place, input)),
    replicateDisk: (input, context) => replicateDisk(parts, input, context),
  };
}
