import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { HOST_ROOT } from './host-root.ts';

const TIMEOUT_MS = 30_000;
const stateSchema = z.object({
  missingPackages: z.array(z.string()),
  customChangesCount: z.int().nonnegative(),
  isRestartedSince: z.boolean(),
  hasDiskUuids: z.boolean(),
});

const volumeSchema = z.object({ isRetentionSeparate: z.boolean() });

interface MachineState {
  readonly preparation: z.output<typeof stateSchema> | null;
  /** A mount point with a file system that is good for it. */
  readonly isRetentionSeparate: boolean | null;
}

/** What prepare-linux.sh says about this machine; `null` where it cannot tell. Changes nothing. */
export async function linuxPreparation(
  script: string,
  retentionFolder: string,
): Promise<MachineState> {
  try {
    const where = ['--retention', retentionFolder, '--root', HOST_ROOT];
    const { stdout } = await promisify(execFile)('sh', [script, '--check', ...where], {
      timeout: TIMEOUT_MS,
    });
    const told: unknown = JSON.parse(stdout);
    return {
      preparation: stateSchema.safeParse(told).data ?? null,
      isRetentionSeparate: volumeSchema.safeParse(told).data?.isRetentionSeparate ?? null,
    };
  } catch {
    // Not a distribution that it knows, or the script is not here.
    return { preparation: null, isRetentionSeparate: null };
  }
}
