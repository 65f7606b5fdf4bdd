import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { CommandOutput } from '../../shared/contracts/commands.ts';

type Preparation = CommandOutput<'verifyMasterTarget'>['linuxPreparation'];

const TIMEOUT_MS = 30_000;
const stateSchema = z.object({
  missingPackages: z.array(z.string()),
  customChangesCount: z.int().nonnegative(),
  isRestartedSince: z.boolean(),
  hasDiskUuids: z.boolean(),
});

/** What prepare-linux.sh says about this machine; `null` where it cannot tell. Changes nothing. */
export async function linuxPreparation(script: string): Promise<Preparation> {
  try {
    const { stdout } = await promisify(execFile)('sh', [script, '--check'], {
      timeout: TIMEOUT_MS,
    });
    return stateSchema.safeParse(JSON.parse(stdout)).data ?? null;
  } catch {
    // Not a distribution that it knows, or the script is not here.
    return null;
  }
}
